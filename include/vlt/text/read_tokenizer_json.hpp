#pragma once
#include <string>
#include <string_view>
#include <vlt/io/json.hpp>
#include <vlt/io/read_limits.hpp>
#include <vlt/text/tokenizer_fault.hpp>
#include <vlt/text/tokenizer_file.hpp>

namespace vlt::text {
namespace tokenizer_json {

inline constexpr std::size_t most_steps = 64;  // of a normalizer, say: each rewrites every text

// For what Hugging Face's library can do and this one cannot: better no tokenizer than one that differs.
[[noreturn]] inline void refuse_kind(const Json& where, const std::string& kind, const std::string& found,
                                     const std::string& expected) {
  refuse_tokenizer("TOK-015", kind + " " + quoted(found) + " is not supported", where.path(), expected, quoted(found));
}
[[noreturn]] inline void refuse_model(const Json& where, const std::string& what, const std::string& expected) {
  refuse_tokenizer("TOK-003", what + " is not supported", where.path(), expected, what);
}

inline std::string type_of(const Json& j) { return j.at("type").string(); }

// Calls visit for every element of a Sequence, at any depth, or once for anything else.
template <class Visit> void each(const std::optional<Json>& j, const char* list, Visit visit) {
  if (!j) return;
  if (type_of(*j) != "Sequence") return visit(*j);
  const Json elements = j->at(list);
  for (std::size_t i = 0; i < elements.array().size(); ++i) each(elements[i], list, visit);
}

inline std::string literal_pattern(const Json& j) {
  const Json pattern = j.at("pattern");
  if (!pattern.find("String"))
    refuse_kind(pattern, "a regular expression as", "pattern", "a literal: {\"String\": ...}");
  const std::string text = pattern.at("String").string();
  if (text.empty()) refuse_tokenizer("TOK-011", "a pattern is empty", pattern.path(), "at least one character", "\"\"");
  return text;
}

inline TokenizerFile::PrependScheme scheme(const Json& j) {
  using Scheme = TokenizerFile::PrependScheme;
  const std::string name = j.string("prepend_scheme", "always");
  const bool never = !j.boolean("add_prefix_space", true);
  if (never && j.find("prepend_scheme") && name != "never")
    refuse_tokenizer("TOK-015", "add_prefix_space contradicts prepend_scheme", j.path(), "prepend_scheme \"never\"",
                     quoted(name));
  if (never || name == "never") return Scheme::never;
  if (name == "first") return Scheme::first;
  if (name == "always") return Scheme::always;
  refuse_kind(j, "prepend_scheme", name, "first, always or never");
}

inline TokenizerFile::Metaspace metaspace(const Json& j) {
  const Json replacement = j.at("replacement");
  if (const std::string mark = replacement.string(); mark.empty() || utf8::at(mark, 0).length != mark.size())
    replacement.refuse("a blank is written as one character", "one character");
  return {replacement.string(), scheme(j), j.boolean("split", true)};
}

inline TokenizerFile::Normalizer normalizer(const Json& j) {
  const std::string type = type_of(j);
  if (type == "Prepend") return TokenizerFile::Prepend{j.at("prepend").string()};
  if (type == "Replace") return TokenizerFile::Replace{literal_pattern(j), j.at("content").string()};
  if (type == "NFC") return TokenizerFile::Nfc{};
  refuse_kind(j, "normalizer", type, "Prepend, Replace or NFC");
}

inline TokenizerFile::Behavior behavior(const Json& j) {
  using B = TokenizerFile::Behavior;
  static constexpr std::pair<const char*, B> names[] = {{"Removed", B::removed},
                                                        {"Isolated", B::isolated},
                                                        {"MergedWithPrevious", B::merged_with_previous},
                                                        {"MergedWithNext", B::merged_with_next},
                                                        {"Contiguous", B::contiguous}};
  const std::string found = j.at("behavior").string();
  for (const auto& [name, value] : names)
    if (found == name) return value;
  refuse_kind(j, "behavior", found, "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

// As it is written: what it means is for those who know it.
inline std::string expression(const Json& j, const ReadLimits& limits) {
  std::string text = j.string();
  if (Index(text.size()) > limits.split_bytes)
    refuse_tokenizer("TOK-011", "the split expression is too long", j.path(),
                     ReadLimits::at_most(limits.split_bytes, " bytes"), std::to_string(text.size()) + " bytes",
                     ReadLimits::raise("split_bytes"));
  return text;
}

inline TokenizerFile::PreTokenizer pre_tokenizer(const Json& j, const ReadLimits& limits) {
  const std::string type = type_of(j);
  if (type == "ByteLevel")
    return TokenizerFile::ByteLevel{j.boolean("add_prefix_space", true), j.boolean("use_regex", true)};
  if (type == "Digits") return TokenizerFile::Digits{j.boolean("individual_digits", false)};
  if (type == "Metaspace") return metaspace(j);
  if (type != "Split") refuse_kind(j, "pre-tokenizer", type, "ByteLevel, Split, Digits or Metaspace");
  const auto regex = j.at("pattern").find("Regex");
  return TokenizerFile::Split{regex ? expression(*regex, limits) : literal_pattern(j), regex.has_value(), behavior(j),
                              j.boolean("invert", false)};
}

inline TokenizerFile::Decoder decoder(const Json& j) {
  const std::string type = type_of(j);
  if (type == "ByteLevel") return TokenizerFile::ByteLevel{};
  if (type == "Replace") return TokenizerFile::Replace{literal_pattern(j), j.at("content").string()};
  if (type == "ByteFallback") return TokenizerFile::ByteFallback{};
  if (type == "Fuse") return TokenizerFile::Fuse{};
  if (type == "Metaspace") return metaspace(j);
  if (type == "Strip")
    return TokenizerFile::Strip{j.at("content").string(), std::size_t(j.at("start").index()),
                                std::size_t(j.at("stop").index())};
  refuse_kind(j, "decoder", type, "ByteLevel, Replace, ByteFallback, Fuse, Metaspace or Strip");
}

// A token that a post-processor names, and the id that it says the token has.
struct NamedToken {
  Json place;
  std::string token;
  std::int32_t id;
};

// Which tokens go before and after a single text. ByteLevel here only trims offsets; ours stay untrimmed.
inline void read_post_processor(const Json& j, TokenizerFile& file, std::vector<NamedToken>& named) {
  const std::string type = type_of(j);
  if (type == "ByteLevel") return;
  if (type != "TemplateProcessing") refuse_kind(j, "post-processor", type, "ByteLevel or TemplateProcessing");
  const Json single = j.at("single");
  std::size_t texts = file.before.empty() && file.after.empty() ? 0 : 1;
  const auto refuse = [&] {
    refuse_tokenizer("TOK-015", "a post-processor that is not supported", single.path(), "the text exactly once",
                     std::to_string(texts) + " times");
  };
  for (std::size_t i = 0; i < single.array().size(); ++i) {
    if (single[i].find("Sequence")) {
      if (++texts > 1) refuse();
      continue;
    }
    const std::string name = single[i].at("SpecialToken").at("id").string();
    const Json special = j.at("special_tokens").at(name), tokens = special.at("tokens");
    const auto ids = special.find("ids");
    for (std::size_t k = 0; k < tokens.array().size(); ++k) {
      (texts == 1 ? file.after : file.before).push_back(tokens[k].string());
      if (ids) named.push_back({(*ids)[k], tokens[k].string(), (*ids)[k].index()});
    }
  }
  if (texts != 1) refuse();
}

// The library puts the ids there, whatever tokens they are said to be: they must be those of the tokens.
inline void check_named(const std::vector<NamedToken>& named, const TokenizerFile& file) {
  for (const NamedToken& n : named) {
    std::int32_t right = -1;
    for (const auto& [token, id] : file.model.vocab)
      if (token == n.token) right = id;
    for (const auto& token : file.added)
      if (token.content == n.token) right = token.id;
    if (right >= 0 && right != n.id)
      refuse_tokenizer("TOK-015", "the post-processor gives " + quoted(n.token) + " another id", n.place.path(),
                       std::to_string(right) + ", the token's", std::to_string(n.id),
                       "save the tokenizer again with transformers");
  }
}

// A merge is a pair, or two parts with a blank between.
inline std::array<std::string, 2> merge(const Json& j) {
  if (j.is_array() && j.array().size() == 2) return {j[0].string(), j[1].string()};
  const std::string text = j.string();
  const std::size_t blank = text.find(' ');
  if (blank == std::string::npos || text.find(' ', blank + 1) != std::string::npos)
    refuse_tokenizer("TOK-008", "a merge does not have two parts", j.path(), "two parts with one blank between",
                     quoted(text));
  return {text.substr(0, blank), text.substr(blank + 1)};
}

inline std::int32_t token_id(const Json& j, const ReadLimits& limits) {
  const std::int32_t id = j.index();
  if (id >= limits.vocabulary)
    refuse_tokenizer("TOK-006", "a token's id is out of range", j.path(),
                     "0 to " + std::to_string(limits.vocabulary - 1), std::to_string(id),
                     ReadLimits::raise("vocabulary"));
  return id;
}

inline void read_model(const Json& j, const ReadLimits& limits, TokenizerFile::Model& model) {
  if (const std::string type = j.string("type", "BPE"); type != "BPE")
    refuse_model(j, "model type " + quoted(type), "BPE");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!j.string(key, "").empty()) refuse_model(j, key, "none");
  if (j.number("dropout", 0) != 0) refuse_model(j, "dropout", "0: ids must not depend on chance");
  model.unk_token = j.string("unk_token", "");
  model.byte_fallback = j.boolean("byte_fallback", false);
  model.fuse_unk = j.boolean("fuse_unk", false);
  model.ignore_merges = j.boolean("ignore_merges", false);
  const Json vocab = j.at("vocab"), merges = j.at("merges");
  model.vocab.reserve(vocab.object().size());
  for (const auto& [token, id] : vocab.object())
    model.vocab.emplace_back(token, token_id(Json(id, vocab.path() + "[" + quoted(token) + "]"), limits));
  model.merges.reserve(merges.array().size());
  for (std::size_t i = 0; i < merges.array().size(); ++i) model.merges.push_back(merge(merges[i]));
}

inline TokenizerFile::AddedToken added_token(const Json& j, const ReadLimits& limits) {
  return {token_id(j.at("id"), limits), j.at("content").string(),   j.boolean("single_word", false),
          j.boolean("lstrip", false),   j.boolean("rstrip", false), j.boolean("normalized", true),
          j.boolean("special", false)};
}

}  // namespace tokenizer_json

// What a Hugging Face tokenizer.json says; what the library cannot do exactly is refused by name (exit 4). Truncation
// and padding are not a tokenizer's business and ignored. `name` is what complaints call the file.
inline TokenizerFile read_tokenizer(const boost::json::value& value, const std::string& name,
                                    const ReadLimits& limits = {}) {
  namespace tj = tokenizer_json;
  const Json root(value, name + ": $");
  TokenizerFile file;
  file.name = name;
  if (const auto added = root.find("added_tokens"))
    for (std::size_t i = 0; i < added->array().size(); ++i) file.added.push_back(tj::added_token((*added)[i], limits));
  tj::each(root.find("normalizer"), "normalizers",
           [&](const Json& j) { file.normalizers.push_back(tj::normalizer(j)); });
  tj::each(root.find("pre_tokenizer"), "pretokenizers",
           [&](const Json& j) { file.pre_tokenizers.push_back(tj::pre_tokenizer(j, limits)); });
  tj::each(root.find("decoder"), "decoders", [&](const Json& j) { file.decoders.push_back(tj::decoder(j)); });
  std::vector<tj::NamedToken> named;
  tj::each(root.find("post_processor"), "processors", [&](const Json& j) { tj::read_post_processor(j, file, named); });
  for (const std::size_t steps : {file.normalizers.size(), file.pre_tokenizers.size(), file.decoders.size()})
    if (steps > tj::most_steps)
      refuse_tokenizer("TOK-015", "a tokenizer of so many steps is not supported", name,
                       "at most " + std::to_string(tj::most_steps) + " in a row", std::to_string(steps));
  tj::read_model(root.at("model"), limits, file.model);
  tj::check_named(named, file);
  return file;
}

}  // namespace vlt::text
