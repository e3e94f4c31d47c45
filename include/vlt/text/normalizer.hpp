#pragma once
#include <vector>
#include <vlt/text/aligned_text.hpp>
#include <vlt/text/sentencepiece_normalizer.hpp>
#include <vlt/text/tokenizer_file.hpp>
#include <vlt/text/unicode/nfc.hpp>

namespace vlt::text {

// Rewrites a text before it is cut into words; the text remembers where each byte came from.
class Normalizer {
 public:
  Normalizer() = default;
  // `file` is for complaints.
  explicit Normalizer(const std::vector<TokenizerFile::Normalizer>& steps, const std::string& file = "tokenizer") {
    for (const auto& step : steps) {
      if (const auto* spec = std::get_if<TokenizerFile::SentencePiece>(&step))
        steps_.push_back(SentencePieceNormalizer(*spec, file));
      if (const auto* prepend = std::get_if<TokenizerFile::Prepend>(&step)) steps_.push_back(*prepend);
      if (const auto* replace = std::get_if<TokenizerFile::Replace>(&step)) steps_.push_back(*replace);
      if (std::holds_alternative<TokenizerFile::Nfc>(step)) steps_.push_back(TokenizerFile::Nfc{});
    }
  }

  void operator()(AlignedText& text) const {
    for (const auto& step : steps_) std::visit([&](const auto& s) { apply(s, text); }, step);
  }

 private:
  using Step =
      std::variant<TokenizerFile::Prepend, TokenizerFile::Replace, TokenizerFile::Nfc, SentencePieceNormalizer>;
  std::vector<Step> steps_;

  static void apply(const SentencePieceNormalizer& normalize, AlignedText& text) { normalize(text); }

  static void apply(const TokenizerFile::Prepend& p, AlignedText& text) { text.prepend(p.text); }
  static void apply(const TokenizerFile::Replace& r, AlignedText& text) { text.replace(r.from, r.to); }
  static void apply(const TokenizerFile::Nfc&, AlignedText& text) {
    const std::string_view old = text.view();
    const Nfc& nfc = Nfc::table();
    if (nfc.unchanged(old)) return;
    std::string out;
    std::vector<ByteRange> origins;
    std::size_t at = 0;  // in the old text: the next character to be consumed
    for (const auto [code, change] : nfc(old)) {
      // A character that consumes none shares the place of the one before it.
      const ByteRange place = change > 0
                                  ? (at > 0 ? text.origin(at - 1, at) : ByteRange{text.begin32(), text.begin32()})
                                  : text.origin(at, at + 1);
      for (int n = change; n <= 0 && at < old.size(); ++n) at += utf8::at(old, at).length;
      utf8::append(out, code);
      origins.resize(out.size(), place);
    }
    text.rewrite(std::move(out), std::move(origins));
  }
};

}  // namespace vlt::text
