#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>
#include <vlt/io/folder.hpp>
#include <vlt/io/read_tokenizer_json.hpp>
#include <vlt/io/write_file.hpp>
#include <vlt/io/write_tokenizer_json.hpp>

namespace vlt {

// The tokenizer of a model folder: what its files say, and the files themselves, so that they can be written again
// with nothing lost but what was changed on purpose.
struct TokenizerFolder {
  TokenizerFile file;
  std::string bos, eos, pad;                                // the names in tokenizer_config.json; empty: none
  std::int32_t vocabulary_read = 0;                         // the largest id + 1, before anything was added here
  boost::json::value tokenizer_json, tokenizer_config;      // objects
  std::vector<std::pair<std::string, std::string>> others;  // name, bytes: files that are passed on as they are
  std::vector<Complaint> warnings;                          // what is odd, but works

  TokenizerFolder() : tokenizer_json(boost::json::object()), tokenizer_config(boost::json::object()) {}
};

namespace tokenizer_folder {

inline std::string read_text(const File& file, const ReadLimits& limits) {
  return file.read_all(std::uint64_t(limits.tokenizer_bytes), ReadLimits::raise("tokenizer_bytes"));
}

// A special token's name is a string, or an object with `content`.
inline std::string token_name(const Json& config, const char* key) {
  const auto token = config.find(key);
  if (!token) return {};
  return token->is_object() ? token->at("content").string() : token->string();
}

[[noreturn]] inline void refuse_without_tokenizer(const Folder& folder) {
  const auto names = folder.names(40);
  const bool sentencepiece = std::find(names.begin(), names.end(), "tokenizer.model") != names.end();
  std::string listed;
  for (const auto& name : names) listed += (listed.empty() ? "" : ", ") + escaped(name);
  if (sentencepiece)
    refuse_tokenizer("TOK-018", "the folder has only tokenizer.model, which is not supported", folder.path(),
                     "tokenizer.json", "tokenizer.model",
                     "convert it once: AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR) writes tokenizer.json");
  refuse_tokenizer("TOK-001", "the folder has no tokenizer", folder.path(), "tokenizer.json",
                   listed.empty() ? "an empty folder" : listed, "name the folder of a Hugging Face language model");
}

// For the LLaMA classes transformers lets this key overrule the post-processor of tokenizer.json. (What it makes of
// add_eos_token depends on its version; no text here ends with a token that the template did not write.)
inline void apply_add_bos_token(const Json& config, TokenizerFolder& t) {
  const std::string kind = config.string("tokenizer_class", "");
  if (kind != "LlamaTokenizer" && kind != "LlamaTokenizerFast") return;
  const auto adds = config.find("add_bos_token");
  if (adds && !t.bos.empty()) t.file.before.assign(adds->boolean() ? 1 : 0, t.bos);
}

inline void warn_of_gaps(TokenizerFolder& t) {
  std::vector<bool> named(std::size_t(t.vocabulary_read), false);
  for (const auto& [token, id] : t.file.model.vocab) named[std::size_t(id)] = true;
  for (const auto& token : t.file.added) named[std::size_t(token.id)] = true;
  const auto gaps = std::count(named.begin(), named.end(), false);
  if (gaps == 0) return;
  t.warnings.push_back({"MODEL-TOK-005",
                        "the tokenizer leaves out some ids",
                        t.file.name,
                        "ids from 0 to " + std::to_string(t.vocabulary_read - 1),
                        std::to_string(gaps) + " ids without a token",
                        {},
                        "their embedding rows are never used"});
}

// Lists a token in both JSON files, as transformers would.
inline void list_added_token(TokenizerFolder& t, const TokenizerFile::AddedToken& token) {
  boost::json::object entry = tokenizer_json::added_token_object(token);
  auto& added = t.tokenizer_json.as_object()["added_tokens"];
  if (!added.is_array()) added.emplace_array();
  added.as_array().push_back(entry);
  auto* decoder = t.tokenizer_config.as_object().if_contains("added_tokens_decoder");
  if (decoder != nullptr && decoder->is_object()) {
    entry.erase("id");
    decoder->as_object()[std::to_string(token.id)] = entry;
  }
}

}  // namespace tokenizer_folder

// Reads tokenizer.json and tokenizer_config.json. Exit 4 with MODEL-TOK-..., MODEL-JSON-... or MODEL-PATH-... if they
// are missing, damaged, or ask for what the library cannot do exactly.
inline TokenizerFolder read_tokenizer_folder(const std::string& path, const ReadLimits& limits = {}) {
  namespace tf = tokenizer_folder;
  const Folder folder(path);
  const auto file = folder.find("tokenizer.json");
  if (!file) tf::refuse_without_tokenizer(folder);
  TokenizerFolder t;
  t.tokenizer_json = parse_json(tf::read_text(*file, limits), file->name());
  t.file = read_tokenizer(t.tokenizer_json, file->name(), limits);
  t.vocabulary_read = vocabulary_size(t.file);
  if (const auto config_file = folder.find("tokenizer_config.json")) {
    t.tokenizer_config = parse_json(tf::read_text(*config_file, limits), config_file->name());
    const Json config(t.tokenizer_config, config_file->name() + ": $");
    t.bos = tf::token_name(config, "bos_token"), t.eos = tf::token_name(config, "eos_token");
    t.pad = tf::token_name(config, "pad_token");
    tf::apply_add_bos_token(config, t);
  }
  for (const char* name : {"special_tokens_map.json", "chat_template.jinja", "chat_template.json"})
    if (const auto other = folder.find(name)) t.others.emplace_back(name, tf::read_text(*other, limits));
  tf::warn_of_gaps(t);
  return t;
}

// The folder of a tokenizer that was made here; names of special tokens may be empty.
inline TokenizerFolder make_tokenizer_folder(TokenizerFile file, std::string bos, std::string eos, std::string pad) {
  TokenizerFolder t;
  t.tokenizer_json = tokenizer_object(file);
  t.file = std::move(file);
  t.bos = std::move(bos), t.eos = std::move(eos), t.pad = std::move(pad);
  t.vocabulary_read = vocabulary_size(t.file);
  auto& config = t.tokenizer_config.as_object();
  config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
  const std::pair<const char*, const std::string*> named[] = {
      {"bos_token", &t.bos}, {"eos_token", &t.eos}, {"pad_token", &t.pad}};
  for (const auto& [key, name] : named)
    if (!name->empty()) config[key] = *name;
  return t;
}

// Adds a special token behind the others unless it is there.
inline void add_special_token(TokenizerFolder& t, const std::string& content) {
  const std::size_t before = t.file.added.size();
  add_special_token(t.file, content);
  if (t.file.added.size() > before) tokenizer_folder::list_added_token(t, t.file.added.back());
}

// What a vision-language model needs beside its language model's tokens: <image>, and <PAD> if no pad token is named.
inline void add_image_and_pad_tokens(TokenizerFolder& t) {
  add_special_token(t, "<image>");
  if (!t.pad.empty()) return;
  add_special_token(t, "<PAD>");
  t.pad = "<PAD>";
  t.tokenizer_config.as_object()["pad_token"] = t.pad;
}

// Writes the folder again: transformers' AutoTokenizer loads it.
inline void write_tokenizer_folder(const TokenizerFolder& t, const std::string& path) {
  make_folders(path);
  boost::json::object config = t.tokenizer_config.as_object();
  if (!config.contains("tokenizer_class")) config["tokenizer_class"] = "PreTrainedTokenizerFast";
  write_file(path + "/tokenizer.json", boost::json::serialize(t.tokenizer_json));
  write_file(path + "/tokenizer_config.json", boost::json::serialize(config));
  for (const auto& [name, bytes] : t.others) write_file(path + "/" + name, bytes);
}

}  // namespace vlt
