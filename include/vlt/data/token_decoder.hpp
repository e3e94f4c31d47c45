#pragma once
#include <string>
#include <vector>
#include <vlt/data/byte_alphabet.hpp>
#include <vlt/base/utf8.hpp>
#include <vlt/io/tokenizer_file.hpp>

namespace vlt {

// Turns the spellings of tokens back into text, step by step as the file lists them. Broken UTF-8 becomes U+FFFD.
class TokenDecoder {
 public:
  TokenDecoder() = default;
  explicit TokenDecoder(std::vector<TokenizerFile::Decoder> steps) : steps_(std::move(steps)) {}

  std::string operator()(std::vector<std::string> tokens) const {
    for (const auto& step : steps_) std::visit([&](const auto& s) { apply(s, tokens); }, step);
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

  static void apply(const TokenizerFile::ByteLevel&, Tokens& tokens) {
    std::string bytes;
    for (const auto& t : tokens) bytes += ByteAlphabet::bytes(t).value_or(t);
    tokens.assign(1, utf8::repaired(bytes));
  }
  static void apply(const TokenizerFile::Replace& r, Tokens& tokens) {
    for (auto& t : tokens)
      for (std::size_t at = t.find(r.from); at != std::string::npos; at = t.find(r.from, at + r.to.size()))
        t.replace(at, r.from.size(), r.to);
  }
  static void apply(const TokenizerFile::Fuse&, Tokens& tokens) {
    std::string all;
    for (const auto& t : tokens) all += t;
    tokens.assign(1, std::move(all));
  }
  static void apply(const TokenizerFile::ByteFallback&, Tokens& tokens) {
    Tokens out;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      bool valid = true;
      for (std::size_t i = 0; valid && i < bytes.size();) {
        const int n = utf8::valid_length(bytes, i);
        valid = n > 0;
        i += std::size_t(n > 0 ? n : 1);
      }
      if (valid) out.push_back(bytes);
      else out.insert(out.end(), bytes.size(), "\xEF\xBF\xBD");
      bytes.clear();
    };
    for (auto& t : tokens) {
      const int value = t.size() == 6 && t.starts_with("<0x") && t.ends_with(">") ? hex(t[3]) * 16 + hex(t[4]) : -1;
      if (value >= 0) {
        bytes.push_back(char(value));
        continue;
      }
      flush();
      out.push_back(std::move(t));
    }
    flush();
    tokens = std::move(out);
  }
  static void apply(const TokenizerFile::Strip& s, Tokens& tokens) {
    for (auto& t : tokens) {
      for (std::size_t n = 0; n < s.start && !s.content.empty() && t.starts_with(s.content); ++n)
        t.erase(0, s.content.size());
      for (std::size_t n = 0; n < s.stop && !s.content.empty() && t.ends_with(s.content); ++n)
        t.erase(t.size() - s.content.size());
    }
  }
  static void apply(const TokenizerFile::Metaspace& m, Tokens& tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const bool first = i == 0 && m.scheme != TokenizerFile::PrependScheme::never;
      apply(TokenizerFile::Replace{m.replacement, first ? "" : " "}, i, tokens);
    }
  }
  static void apply(const TokenizerFile::Replace& r, std::size_t i, Tokens& tokens) {
    Tokens one{std::move(tokens[i])};
    apply(r, one);
    tokens[i] = std::move(one[0]);
  }
  static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1000;
  }
};

}  // namespace vlt
