#pragma once
#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <vlt/base/error.hpp>
#include <vlt/text/added_tokens.hpp>
#include <vlt/text/bpe.hpp>
#include <vlt/text/normalizer.hpp>
#include <vlt/text/pre_tokenizer.hpp>
#include <vlt/text/sentencepiece_bpe.hpp>
#include <vlt/text/token_decoder.hpp>

namespace vlt::text {

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

// Text to ids and back, equal to Hugging Face's tokenizers, and for a tokenizer.model to sentencepiece, on any valid
// UTF-8. It never changes once built; each thread
// encodes with an Encoder of its own.
class Tokenizer {
 public:
  // Throws an Error of exit 4, MODEL-TOK-004 to MODEL-TOK-016, if the file's parts do not fit together.
  explicit Tokenizer(const TokenizerFile& file)
      : normalizer_(file.normalizers, file.name),
        pre_tokenizer_(file.pre_tokenizers, file.name),
        model_(make_model(file, pre_tokenizer_.byte_level())),
        decoder_(file.decoders),
        vocabulary_(std::int32_t(file.model.vocab.size())) {
    for (const auto& [token, id] : file.model.vocab) name(id, token, file.name + ": $.model.vocab");
    for (std::size_t i = 0; i < file.added.size(); ++i)
      add(file.added[i], file.name + ": $.added_tokens[" + std::to_string(i) + "]");
    for (const auto& token : file.before) before_.push_back(required_id(token, file.name));
    for (const auto& token : file.after) after_.push_back(required_id(token, file.name));
  }

  // The largest id + 1: how many rows an embedding needs.
  std::size_t size() const { return spellings_.size(); }
  // The id of a token by its name; -1: there is none.
  std::int32_t id(const std::string& token) const {
    const auto* added = find_added(token);
    return added ? added->id : model_id(token);
  }
  bool is_special(const std::string& token) const {
    const auto* added = find_added(token);
    return added && added->special;
  }
  const std::vector<std::int32_t>& before() const { return before_; }
  const std::vector<std::int32_t>& after() const { return after_; }

  // The text of some ids. One without a token is left out: an embedding may have more rows than there are tokens.
  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens = false) const {
    std::vector<std::string> tokens;
    for (const std::int32_t i : ids) {
      if (i < 0 || std::size_t(i) >= size()) continue;
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
  std::variant<Bpe, SentencePieceBpe> model_;
  TokenDecoder decoder_;
  std::int32_t vocabulary_;  // how many tokens the model has, whatever their ids
  AddedTokens added_;
  std::vector<Spelling> spellings_;  // by id
  std::vector<std::int32_t> before_, after_;

  static std::variant<Bpe, SentencePieceBpe> make_model(const TokenizerFile& file, bool byte_level) {
    if (file.model.pieces.empty()) return Bpe(file, byte_level);
    return SentencePieceBpe(file.model);
  }
  std::int32_t model_id(const std::string& token) const {
    return std::visit([&](const auto& model) { return model.id(token); }, model_);
  }
  const TokenizerFile::AddedToken* find_added(const std::string& content) const {
    const auto& all = added_.tokens();
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& t) { return t.content == content; });
    return at == all.end() ? nullptr : &*at;
  }
  void name(std::int32_t id, const std::string& text, const std::string& place) {
    if (id < 0)
      refuse_tokenizer("TOK-006", "the id of token " + quoted(text) + " is out of range", place, "an id from 0",
                       std::to_string(id));
    if (std::size_t(id) >= size()) spellings_.resize(std::size_t(id) + 1);
    Spelling& s = spellings_[std::size_t(id)];
    if (s.known && s.text != text)
      refuse_tokenizer("TOK-004", "two tokens have the same id " + std::to_string(id), place, "one token for each id",
                       quoted(s.text) + " and " + quoted(text));
    s.text = text, s.known = true;
  }
  void add(const TokenizerFile::AddedToken& token, const std::string& place) {
    if (token.content.empty())
      refuse_tokenizer("TOK-014", "an added token is empty", place, "at least one character", "\"\"");
    if (find_added(token.content))
      refuse_tokenizer("TOK-014", "an added token is listed twice", place, "each token once", quoted(token.content));
    if (const std::int32_t right = given_id(token.content); right != token.id)
      refuse_tokenizer("TOK-014", "added token " + quoted(token.content) + " has a wrong id", place,
                       "id " + std::to_string(right) + ", which the tokenizers library gives it whatever the file says",
                       "id " + std::to_string(token.id), "save the tokenizer again with transformers");
    name(token.id, token.content, place);
    std::string spelling = token.content;
    if (token.normalized) {
      AlignedText text(token.content, {0, std::uint32_t(token.content.size())});
      normalizer_(text);
      spelling = text.view();
    }
    Spelling& s = spellings_[std::size_t(token.id)];
    s.special = token.special, s.text = spelling;
    added_.add(token, spelling);
  }
  // The vocabulary's id, else the next one behind the vocabulary's count and the tokens added before.
  std::int32_t given_id(const std::string& content) const {
    if (const std::int32_t in_model = model_id(content); in_model >= 0) return in_model;
    std::int32_t next = vocabulary_;
    for (const auto& t : added_.tokens()) next = std::max(next, t.id + 1);
    return next;
  }
  std::int32_t required_id(const std::string& token, const std::string& file) const {
    const std::int32_t i = id(token);
    if (i < 0)
      refuse_tokenizer("TOK-015", "the post-processor needs a token that is not in the vocabulary",
                       file + ": $.post_processor", "a token of the vocabulary", quoted(token));
    return i;
  }
};

}  // namespace vlt::text
