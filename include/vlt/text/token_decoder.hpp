#pragma once
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <vlt/base/utf8.hpp>
#include <vlt/text/aligned_text.hpp>
#include <vlt/text/byte_alphabet.hpp>
#include <vlt/text/tokenizer_file.hpp>

namespace vlt::text {

// Turns the spellings of tokens back into text, step by step as the file lists them. Broken UTF-8 becomes U+FFFD.
class TokenDecoder {
 public:
  TokenDecoder() = default;
  explicit TokenDecoder(std::vector<TokenizerFile::Decoder> steps) : steps_(std::move(steps)) {}

  std::string operator()(std::vector<std::string> tokens) const {
    std::size_t bytes = 0;
    for (const auto& t : tokens) bytes += t.size();
    const std::size_t most = 16 * bytes + 4096;  // as of a text that is encoded
    for (const auto& step : steps_) std::visit([&](const auto& s) { apply(s, tokens, most); }, step);
    std::string out;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (steps_.empty() && i > 0) out += ' ';
      out += tokens[i];
    }
    return out;
  }

 private:
  using Tokens = std::vector<std::string>;
  std::vector<TokenizerFile::Decoder> steps_;

  static void apply(const TokenizerFile::ByteLevel&, Tokens& tokens, std::size_t) {
    std::string bytes;
    for (const auto& t : tokens) bytes += ByteAlphabet::bytes(t).value_or(t);
    tokens.assign(1, utf8::repaired(bytes));
  }
  static void apply(const TokenizerFile::Replace& r, Tokens& tokens, std::size_t most) {
    for (auto& t : tokens) replace(t, r.from, r.to, most);
  }
  static void apply(const TokenizerFile::Fuse&, Tokens& tokens, std::size_t) {
    std::string all;
    for (const auto& t : tokens) all += t;
    tokens.assign(1, std::move(all));
  }
  // Neighbouring <0xNN> are the bytes of characters; if they are none, each becomes U+FFFD.
  static void apply(const TokenizerFile::ByteFallback&, Tokens& tokens, std::size_t) {
    Tokens out;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      if (!utf8::invalid_byte(bytes)) out.push_back(bytes);
      else out.insert(out.end(), bytes.size(), "\xEF\xBF\xBD");
      bytes.clear();
    };
    for (auto& t : tokens) {
      if (const int value = byte_value(t); value >= 0) {
        bytes.push_back(char(value));
        continue;
      }
      flush();
      out.push_back(std::move(t));
    }
    flush();
    tokens = std::move(out);
  }
  static void apply(const TokenizerFile::Strip& s, Tokens& tokens, std::size_t) {
    if (s.content.empty()) return;
    for (auto& t : tokens) {
      for (std::size_t n = 0; n < s.start && t.starts_with(s.content); ++n) t.erase(0, s.content.size());
      for (std::size_t n = 0; n < s.stop && t.ends_with(s.content); ++n) t.erase(t.size() - s.content.size());
    }
  }
  static void apply(const TokenizerFile::Metaspace& m, Tokens& tokens, std::size_t most) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const bool prepended = i == 0 && m.scheme != TokenizerFile::PrependScheme::never;
      replace(tokens[i], m.replacement, prepended ? "" : " ", most);
    }
  }

  static void replace(std::string& text, std::string_view from, std::string_view to, std::size_t most) {
    std::string out;
    std::size_t done = 0;
    for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, done)) {
      out.append(text, done, at - done).append(to);
      refuse_if_longer(out.size(), most);
      done = at + from.size();
    }
    if (done > 0) text = out.append(text, done);
  }
  // What <0xNN> stands for; -1: it is not written so.
  static int byte_value(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
    unsigned value = 0;
    const auto [end, problem] = std::from_chars(token.data() + 3, token.data() + 5, value, 16);
    return problem == std::errc() && end == token.data() + 5 ? int(value) : -1;
  }
};

}  // namespace vlt::text
