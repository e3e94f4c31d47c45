#pragma once
#include <algorithm>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>
#include <vlt/data/added_tokens.hpp>
#include <vlt/data/bpe.hpp>
#include <vlt/data/normalizer.hpp>
#include <vlt/data/pre_tokenizer.hpp>
#include <vlt/data/token_decoder.hpp>

namespace vlt {

// Token ids, and for each the characters of the text that it stands for (whole characters; empty for what the tokenizer
// adds).
struct Encoding {
  std::vector<std::int32_t> ids;
  std::vector<ByteRange> offsets;
};

struct EncodeOptions {
  bool add_special_tokens = true;     // what the post-processor puts around a text
  bool split_special_tokens = false;  // a special token's look-alike is plain text
};

// Text to ids and back, equal to Hugging Face's tokenizers on any valid UTF-8. It never changes once built; each thread
// encodes with an Encoder of its own.
class Tokenizer {
 public:
  explicit Tokenizer(const TokenizerFile& file)
      : normalizer_(file.normalizers),
        pre_tokenizer_(file.pre_tokenizers),
        model_(file.model, pre_tokenizer_.byte_level()),
        decoder_(file.decoders) {
    for (const auto& [token, id] : file.model.vocab) name(id, token);
    for (const auto& token : file.added) add(token);
    for (const auto& token : file.before) before_.push_back(required_id(token));
    for (const auto& token : file.after) after_.push_back(required_id(token));
  }

  std::size_t size() const { return spellings_.size(); }  // the largest id + 1
  std::int32_t id(const std::string& token) const {
    for (const auto& t : added_.tokens())
      if (t.content == token) return t.id;
    return model_.id(token);
  }
  bool is_special(const std::string& token) const {
    const auto& all = added_.tokens();
    return std::any_of(all.begin(), all.end(), [&](const auto& t) { return t.special && t.content == token; });
  }
  const std::vector<std::int32_t>& before() const { return before_; }
  const std::vector<std::int32_t>& after() const { return after_; }

  // Adds a token at the end of the vocabulary if it is not there, and returns its id.
  std::int32_t add_special(const std::string& content) {
    TokenizerFile::AddedToken token{id(content), content};
    for (const auto& t : added_.tokens())
      if (t.content == content) return t.id;
    if (token.id < 0) token.id = std::int32_t(size());
    token.special = true;
    add(token);
    return token.id;
  }

  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens = false) const {
    std::vector<std::string> tokens;
    for (const std::int32_t i : ids) {
      require(i >= 0 && std::size_t(i) < size(), "decode: there is no token " + std::to_string(i));
      const Spelling& s = spellings_[std::size_t(i)];
      if (s.known && !(skip_special_tokens && s.special)) tokens.push_back(s.text);
    }
    return decoder_(std::move(tokens));
  }

 private:
  friend class Encoder;
  struct Spelling {
    std::string text;
    bool known = false, special = false;
  };

  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  Bpe model_;
  TokenDecoder decoder_;
  AddedTokens added_;
  std::vector<Spelling> spellings_;
  std::vector<std::int32_t> before_, after_;

  static constexpr std::int32_t most = 1 << 24;  // ids beyond this are a mistake, not a vocabulary

  void name(std::int32_t id, const std::string& text) {
    require(id < most, "token \"" + text + "\": id " + std::to_string(id) + " is too large");
    if (std::size_t(id) >= size()) spellings_.resize(std::size_t(id) + 1);
    Spelling& s = spellings_[std::size_t(id)];
    require(!s.known || s.text == text,
            "tokens \"" + s.text + "\" and \"" + text + "\" have the same id " + std::to_string(id));
    s.text = text, s.known = true;
  }
  void add(const TokenizerFile::AddedToken& token) {
    require(!token.content.empty(), "added token " + std::to_string(token.id) + " is empty");
    for (const auto& t : added_.tokens())
      require(t.content != token.content, "added token \"" + token.content + "\" is listed twice");
    std::string spelling = token.content;
    if (token.normalized) {
      AlignedText text(token.content, {0, std::uint32_t(token.content.size())});
      normalizer_(text);
      spelling = text.view();
    }
    const std::int32_t in_model = model_.id(token.content);
    require(in_model < 0 || in_model == token.id, "added token \"" + token.content + "\" has id " +
                                                      std::to_string(token.id) + ", the vocabulary says " +
                                                      std::to_string(in_model));
    name(token.id, token.content);
    spellings_[std::size_t(token.id)].special = token.special;
    spellings_[std::size_t(token.id)].text = spelling;
    added_.add(token, spelling);
  }
  std::int32_t required_id(const std::string& token) const {
    const std::int32_t i = id(token);
    require(i >= 0, "post-processor: special token \"" + token + "\" is not in the vocabulary");
    return i;
  }
};

}  // namespace vlt
