#pragma once
#include <vlt/io/require_utf8.hpp>
#include <vlt/text/tokenizer.hpp>

namespace vlt::text {

// One thread's way to use a tokenizer: it owns the cache and the working memory. The tokenizer must outlive it.
class Encoder {
 public:
  explicit Encoder(const Tokenizer& tokenizer) : t_(&tokenizer) {
    if (std::holds_alternative<SentencePieceBpe>(tokenizer.model_)) scratch_.emplace<SentencePieceBpe::Scratch>();
  }

  // Throws on invalid UTF-8, naming the byte.
  Encoding encode(std::string_view text, EncodeOptions options = {}) {
    check(text);
    Encoding out;
    if (options.add_special_tokens) around(t_->before_, out);
    encode_part(text, {0, std::uint32_t(text.size())},
                options.split_special_tokens ? AddedTokens::Which::ordinary : AddedTokens::Which::all, out);
    if (options.add_special_tokens) around(t_->after_, out);
    return out;
  }

  // A text of which only the given ranges may hold special tokens: everything else is somebody's words. Puts the
  // beginning-of-text tokens first, no end.
  Encoding encode(std::string_view text, std::span<const ByteRange> may_be_special) {
    check(text);
    Encoding out;
    around(t_->before_, out);
    std::uint32_t done = 0;
    for (const ByteRange part : may_be_special) {
      require(part.begin <= part.end && part.end <= text.size(), "encode: a range lies outside the text");
      for (const Stretch& s :
           t_->added_.split_verbatim(text.substr(part.begin, part.end - part.begin), AddedTokens::Which::special)) {
        if (s.id < 0) continue;
        const ByteRange token{part.begin + s.range.begin, part.begin + s.range.end};
        encode_part(text, {done, token.begin}, AddedTokens::Which::ordinary, out);
        append(s.id, token, out);
        done = token.end;
      }
    }
    encode_part(text, {done, std::uint32_t(text.size())}, AddedTokens::Which::ordinary, out);
    return out;
  }

 private:
  const Tokenizer* t_;
  std::variant<Bpe::Scratch, SentencePieceBpe::Scratch> scratch_;  // of the tokenizer's kind of model

  static void check(std::string_view text) {
    require(text.size() < (std::size_t(1) << 31), "encode: a text of 2 GiB or more");
    require_utf8(text);
  }
  static void append(std::int32_t id, ByteRange range, Encoding& out) {
    out.ids.push_back(id);
    out.offsets.push_back(range);
  }
  static void around(const std::vector<std::int32_t>& ids, Encoding& out) {
    for (const std::int32_t id : ids) append(id, {}, out);
  }

  void encode_part(std::string_view text, ByteRange part, AddedTokens::Which which, Encoding& out) {
    for (const Stretch& s : t_->added_.split_verbatim(text.substr(part.begin, part.end - part.begin), which)) {
      const ByteRange range{part.begin + s.range.begin, part.begin + s.range.end};
      if (s.id >= 0) append(s.id, range, out);
      else encode_stretch(text, range, which, out);
    }
  }
  void encode_stretch(std::string_view text, ByteRange range, AddedTokens::Which which, Encoding& out) {
    AlignedText aligned(text, range);
    t_->normalizer_(aligned);
    const auto stretches = t_->added_.split_normalized(aligned.view(), which);
    if (stretches.size() == 1 && stretches[0].id < 0) return encode_words(aligned, out);
    for (const Stretch& s : stretches) {
      if (s.id >= 0) {
        append(s.id, aligned.origin(s.range.begin, s.range.end), out);
        continue;
      }
      AlignedText piece = aligned.slice(s.range);
      encode_words(piece, out);
    }
  }
  void encode_words(AlignedText& aligned, Encoding& out) {
    if (const auto* bpe = std::get_if<Bpe>(&t_->model_))
      return encode_words(*bpe, std::get<Bpe::Scratch>(scratch_), aligned, out);
    encode_words(std::get<SentencePieceBpe>(t_->model_), std::get<SentencePieceBpe::Scratch>(scratch_), aligned, out);
  }
  template <class Model>
  void encode_words(const Model& model, typename Model::Scratch& scratch, AlignedText& aligned, Encoding& out) {
    t_->pre_tokenizer_(aligned, [&](std::size_t b, std::size_t e) {
      for (const WordToken& token : model.tokens(aligned.view().substr(b, e - b), scratch)) {
        append(token.id, aligned.origin(b, b + token.length), out);
        b += token.length;
      }
    });
  }
};

}  // namespace vlt::text
