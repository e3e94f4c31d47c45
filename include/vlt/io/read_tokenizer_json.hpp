#pragma once
#include <vlt/io/file.hpp>
#include <vlt/io/json.hpp>
#include <vlt/io/tokenizer_file.hpp>

namespace vlt {
namespace tokenizer_json {

[[noreturn]] inline void refuse(const Json& where, const std::string& what) {
  throw std::invalid_argument(where.path() + ": " + what + " is not supported");
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
  if (!pattern.find("String")) refuse(pattern, "a regular expression here");
  const std::string text = pattern.at("String").string();
  require(!text.empty(), pattern.path() + ": an empty pattern");
  return text;
}

inline TokenizerFile::PrependScheme scheme(const Json& j) {
  const std::string name = j.string("prepend_scheme", "always");
  const bool never = !j.boolean("add_prefix_space", true);
  require(!never || !j.find("prepend_scheme") || name == "never",
          j.path() + ": add_prefix_space contradicts prepend_scheme");
  if (never || name == "never") return TokenizerFile::PrependScheme::never;
  if (name == "first") return TokenizerFile::PrependScheme::first;
  if (name == "always") return TokenizerFile::PrependScheme::always;
  refuse(j, "prepend_scheme \"" + name + "\"");
}

inline TokenizerFile::Metaspace metaspace(const Json& j) {
  return {j.at("replacement").string(), scheme(j), j.boolean("split", true)};
}

inline TokenizerFile::Normalizer normalizer(const Json& j) {
  const std::string type = type_of(j);
  if (type == "Prepend") return TokenizerFile::Prepend{j.at("prepend").string()};
  if (type == "Replace") return TokenizerFile::Replace{literal_pattern(j), j.at("content").string()};
  if (type == "NFC") return TokenizerFile::Nfc{};
  refuse(j, "normalizer \"" + type + "\"");
}

inline TokenizerFile::PreTokenizer pre_tokenizer(const Json& j) {
  const std::string type = type_of(j);
  if (type == "ByteLevel")
    return TokenizerFile::ByteLevel{j.boolean("add_prefix_space", true), j.boolean("use_regex", true)};
  if (type == "Digits") return TokenizerFile::Digits{j.boolean("individual_digits", false)};
  if (type == "Metaspace") return metaspace(j);
  if (type != "Split") refuse(j, "pre-tokenizer \"" + type + "\"");
  using B = TokenizerFile::Behavior;
  static constexpr std::pair<const char*, B> names[] = {{"Removed", B::removed},
                                                        {"Isolated", B::isolated},
                                                        {"MergedWithPrevious", B::merged_with_previous},
                                                        {"MergedWithNext", B::merged_with_next},
                                                        {"Contiguous", B::contiguous}};
  const std::string behavior = j.at("behavior").string();
  const Json pattern = j.at("pattern");
  const bool regex = pattern.find("Regex").has_value();
  for (const auto& [name, value] : names)
    if (behavior == name)
      return TokenizerFile::Split{regex ? pattern.at("Regex").string() : literal_pattern(j), regex, value,
                                  j.boolean("invert", false)};
  refuse(j, "behavior \"" + behavior + "\"");
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
  refuse(j, "decoder \"" + type + "\"");
}

inline void read_post_processor(const Json& j, TokenizerFile& file) {
  const std::string type = type_of(j);
  if (type == "ByteLevel") return;  // trims offsets only; ours stay untrimmed
  if (type != "TemplateProcessing") refuse(j, "post-processor \"" + type + "\"");
  require(file.before.empty() && file.after.empty(), j.path() + ": a second template");
  const Json single = j.at("single");
  bool seen = false;
  for (std::size_t i = 0; i < single.array().size(); ++i) {
    if (single[i].find("Sequence")) {
      require(!seen, single.path() + ": the text appears twice");
      seen = true;
      continue;
    }
    const std::string name = single[i].at("SpecialToken").at("id").string();
    const Json tokens = j.at("special_tokens").at(name).at("tokens");
    for (std::size_t k = 0; k < tokens.array().size(); ++k)
      (seen ? file.after : file.before).push_back(tokens[k].string());
  }
  require(seen, single.path() + ": the text does not appear");
}

inline void read_model(const Json& j, TokenizerFile::Model& model) {
  if (const std::string type = j.string("type", "BPE"); type != "BPE") refuse(j, "model \"" + type + "\"");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!j.string(key, "").empty()) refuse(j, key);
  if (const auto dropout = j.find("dropout"); dropout && dropout->raw().to_number<double>() != 0) refuse(j, "dropout");
  model.unk_token = j.string("unk_token", "");
  model.byte_fallback = j.boolean("byte_fallback", false);
  model.fuse_unk = j.boolean("fuse_unk", false);
  model.ignore_merges = j.boolean("ignore_merges", false);
  const Json vocab = j.at("vocab"), merges = j.at("merges");
  model.vocab.reserve(vocab.object().size());
  for (const auto& [token, id] : vocab.object()) model.vocab.emplace_back(token, Json(id, vocab.path()).index());
  model.merges.reserve(merges.array().size());
  for (std::size_t i = 0; i < merges.array().size(); ++i) {
    const auto& merge = merges.array()[i];
    if (const auto* pair = merge.if_array(); pair && pair->size() == 2) {
      const Json both(merge, merges.path());
      model.merges.push_back({both[0].string(), both[1].string()});
    } else {
      const std::string text = merges[i].string();
      const std::size_t blank = text.find(' ');
      require(blank != std::string::npos && text.find(' ', blank + 1) == std::string::npos,
              merges[i].path() + ": a merge has two parts");
      model.merges.push_back({text.substr(0, blank), text.substr(blank + 1)});
    }
  }
}

inline TokenizerFile::AddedToken added_token(const Json& j) {
  return {j.at("id").index(),         j.at("content").string(),   j.boolean("single_word", false),
          j.boolean("lstrip", false), j.boolean("rstrip", false), j.boolean("normalized", true),
          j.boolean("special", false)};
}

}  // namespace tokenizer_json

// Reads a Hugging Face tokenizer.json; what the library cannot do exactly is refused by name. Truncation and padding
// are not a tokenizer's business and ignored.
inline TokenizerFile parse_tokenizer_json(std::string_view text, const std::string& name) {
  namespace tj = tokenizer_json;
  const boost::json::value value = parse_json(text, name);
  const Json root(value, name + ": $");
  TokenizerFile file;
  if (const auto added = root.find("added_tokens"))
    for (std::size_t i = 0; i < added->array().size(); ++i) file.added.push_back(tj::added_token((*added)[i]));
  tj::each(root.find("normalizer"), "normalizers",
           [&](const Json& j) { file.normalizers.push_back(tj::normalizer(j)); });
  tj::each(root.find("pre_tokenizer"), "pretokenizers",
           [&](const Json& j) { file.pre_tokenizers.push_back(tj::pre_tokenizer(j)); });
  tj::each(root.find("decoder"), "decoders", [&](const Json& j) { file.decoders.push_back(tj::decoder(j)); });
  tj::each(root.find("post_processor"), "processors", [&](const Json& j) { tj::read_post_processor(j, file); });
  tj::read_model(root.at("model"), file.model);
  return file;
}

inline TokenizerFile read_tokenizer_json(const std::string& path) {
  return parse_tokenizer_json(read_whole_file(path, std::size_t(256) << 20), path);
}

}  // namespace vlt
