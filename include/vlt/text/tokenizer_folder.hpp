#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>
#include <vlt/io/folder.hpp>
#include <vlt/io/write_file.hpp>
#include <vlt/text/read_tokenizer_json.hpp>
#include <vlt/text/sentencepiece_tokenizer.hpp>
#include <vlt/text/write_sentencepiece_json.hpp>
#include <vlt/text/write_tokenizer_json.hpp>

namespace vlt::text {

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
  std::string listed;
  for (const auto& name : folder.names(40)) listed += (listed.empty() ? "" : ", ") + escaped(name);
  refuse_tokenizer("TOK-001", "the folder has no tokenizer", folder.path(), "tokenizer.json or tokenizer.model",
                   listed.empty() ? "an empty folder" : listed, "name the folder of a Hugging Face language model");
}

// Does this tokenizer.json only approximate the tokenizer.model beside it? Its rules for characters and its collapsed
// blanks are another library's then, as are user-defined pieces that it splits off by an expression.
inline bool stands_for_sentencepiece(const Json& root) {
  bool found = false;
  const auto look = [&](const Json& step) {
    const std::string type = tokenizer_json::type_of(step);
    found |= type == "Precompiled" || (type == "Replace" && step.at("pattern").find("Regex"));
  };
  tokenizer_json::each(root.find("normalizer"), "normalizers", look);
  bool bytes = false, expression = false;
  tokenizer_json::each(root.find("pre_tokenizer"), "pretokenizers", [&](const Json& step) {
    const std::string type = tokenizer_json::type_of(step);
    bytes |= type == "ByteLevel";
    expression |= type == "Split" && step.at("pattern").find("Regex");
  });
  return found || (expression && !bytes);
}

inline boost::json::value post_processor(const TokenizerFile& file) {
  boost::json::array single;
  boost::json::object special;
  const auto list = [&](const std::vector<std::string>& tokens) {
    for (const std::string& token : tokens) {
      const std::int32_t id = next_added_id(file, token);
      single.push_back(boost::json::object{{"SpecialToken", {{"id", token}, {"type_id", 0}}}});
      special[token] = {{"id", token}, {"ids", boost::json::array{id}}, {"tokens", boost::json::array{token}}};
    }
  };
  list(file.before);
  single.push_back(boost::json::object{{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  list(file.after);
  boost::json::array pair = single;
  pair.push_back(boost::json::object{{"Sequence", {{"id", "B"}, {"type_id", 1}}}});
  return boost::json::object{{"type", "TemplateProcessing"},
                             {"single", std::move(single)},
                             {"pair", std::move(pair)},
                             {"special_tokens", std::move(special)}};
}

// transformers 5 lets these keys overrule the post-processor of tokenizer.json. (What it makes of add_eos_token depends
// on its version; no text here ends with a token that the template did not write.)
inline void apply_add_bos_token(const Json& config, TokenizerFolder& t) {
  if (!config.find("add_bos_token") && !config.find("add_eos_token")) return;
  std::vector<std::string> before;
  if (config.boolean("add_bos_token", false)) before = t.bos.empty() ? t.file.before : std::vector{t.bos};
  if (before == t.file.before) return;
  t.file.before = std::move(before);
  t.tokenizer_json.as_object()["post_processor"] = post_processor(t.file);
}

using AddedTokenList = std::vector<TokenizerFile::AddedToken>;

// What added_tokens_decoder of tokenizer_config.json lists, by ids.
inline AddedTokenList listed_tokens(const Json& decoder, const ReadLimits& limits) {
  AddedTokenList listed;
  for (const auto& [key, value] : decoder.object()) {
    const std::string place = decoder.path() + "[" + quoted(std::string_view(key)) + "]";
    boost::json::object entry = Json(value, place).object();
    entry["id"] = parse_json(key, place);
    if (!entry.contains("normalized")) entry["normalized"] = !Json(value, place).boolean("special", false);
    const boost::json::value whole = std::move(entry);
    listed.push_back(tokenizer_json::added_token(Json(whole, place), limits));
  }
  return listed;
}

// What added_tokens.json lists, by names: older folders have it.
inline AddedTokenList named_tokens(const Json& ids, const Json& config, const ReadLimits& limits) {
  AddedTokenList listed;
  for (const auto& [name, value] : ids.object()) {
    const Json id(value, ids.path() + "[" + quoted(std::string_view(name)) + "]");
    listed.push_back({tokenizer_json::token_id(id, limits), std::string(name)});
    listed.back().normalized = false;
    for (const char* key : {"bos_token", "eos_token", "unk_token", "pad_token"})
      listed.back().special |= token_name(config, key) == std::string_view(name);
  }
  return listed;
}

// The tokens that transformers adds to a tokenizer.model: those that are listed, in the order of their ids, then
// special tokens that are named but not there.
inline void add_configured_tokens(AddedTokenList listed, const Json& config, TokenizerFolder& t) {
  auto& added = t.file.added;
  std::sort(listed.begin(), listed.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (auto& token : listed) {
    const auto same = [&](const auto& other) { return other.content == token.content; };
    const auto at = std::find_if(added.begin(), added.end(), same);
    if (at == added.end()) added.push_back(std::move(token));
    else *at = std::move(token);
  }
  for (const char* key : {"bos_token", "eos_token", "unk_token", "pad_token"})
    if (const std::string name = token_name(config, key); !name.empty()) add_special_token(t.file, name);
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"})
    if (const auto more = config.find(key); more && more->is_array())
      for (std::size_t i = 0; i < more->array().size(); ++i) {
        const Json token = (*more)[i];
        add_special_token(t.file, token.is_object() ? token.at("content").string() : token.string());
      }
}

// `legacy`: the model's leading blank goes before every stretch of text between special tokens, sentencepiece's own
// way; not so for the LLaMA classes of transformers 5 unless they ask for it.
inline TokenizerFile::PrependScheme prepend_scheme(const Json& config) {
  using Scheme = TokenizerFile::PrependScheme;
  if (!config.boolean("add_prefix_space", true)) return Scheme::never;
  const bool llama = config.string("tokenizer_class", "").starts_with("LlamaTokenizer");
  return config.boolean("legacy", !llama) ? Scheme::always : Scheme::first;
}

inline void list_in_decoder(const TokenizerFile::AddedToken& token, boost::json::object& decoder) {
  boost::json::object entry = tokenizer_json::added_token_object(token);
  entry.erase("id");
  decoder[std::to_string(token.id)] = std::move(entry);
}

inline void read_sentencepiece(const Folder& folder, const Json& config, const ReadLimits& limits, TokenizerFolder& t) {
  const std::string bytes = read_text(folder.open("tokenizer.model"), limits);
  const std::string name = folder.name_of("tokenizer.model");
  const SentencePieceModel model = read_sentencepiece_model(bytes, name, limits);
  const auto scheme = prepend_scheme(config);
  t.file = sentencepiece_tokenizer(model, name, scheme);
  if (t.bos.empty()) t.bos = model.bos;
  if (t.eos.empty()) t.eos = model.eos;
  AddedTokenList listed;
  if (const auto decoder = config.find("added_tokens_decoder")) {
    listed = listed_tokens(*decoder, limits);
  } else if (const auto file = folder.find("added_tokens.json")) {
    const auto ids = parse_json(read_text(*file, limits), file->name());
    listed = named_tokens(Json(ids, file->name() + ": $"), config, limits);
  }
  add_configured_tokens(std::move(listed), config, t);
  t.tokenizer_json = sentencepiece_object(t.file);
  auto& written = t.tokenizer_config.as_object();
  boost::json::object decoder;
  for (const auto& token : t.file.added) list_in_decoder(token, decoder);
  written["added_tokens_decoder"] = std::move(decoder);
  written["legacy"] = scheme == TokenizerFile::PrependScheme::always;
  if (!t.bos.empty()) written["bos_token"] = t.bos;
  if (!t.eos.empty()) written["eos_token"] = t.eos;
  t.others.emplace_back("tokenizer.model", bytes);
}

inline void warn_of_gaps(TokenizerFolder& t) {
  std::vector<bool> named(std::size_t(t.vocabulary_read), false);
  for (const auto& [token, id] : t.file.model.vocab) named[std::size_t(id)] = true;
  for (const auto& token : t.file.added) named[std::size_t(token.id)] = true;
  const auto gaps = std::count(named.begin(), named.end(), false);
  if (gaps == 0) return;
  t.warnings.push_back(Complaint("MODEL-TOK-005", "the tokenizer leaves out some ids")
                           .at(t.file.name)
                           .expected("ids from 0 to " + std::to_string(t.vocabulary_read - 1))
                           .found(std::to_string(gaps) + " ids without a token")
                           .note("their embedding rows are never used"));
}

// Lists a token in both JSON files, as transformers would.
inline void list_added_token(TokenizerFolder& t, const TokenizerFile::AddedToken& token) {
  auto& added = t.tokenizer_json.as_object()["added_tokens"];
  if (!added.is_array()) added.emplace_array();
  added.as_array().push_back(tokenizer_json::added_token_object(token));
  auto* decoder = t.tokenizer_config.as_object().if_contains("added_tokens_decoder");
  if (decoder != nullptr && decoder->is_object()) list_in_decoder(token, decoder->as_object());
}

}  // namespace tokenizer_folder

// Reads tokenizer.json, or tokenizer.model where it is alone or says it more exactly, and tokenizer_config.json. Exit 4
// with MODEL-TOK-..., MODEL-JSON-... or MODEL-PATH-... if they are missing, damaged, or ask for what the library cannot
// do exactly.
inline TokenizerFolder read_tokenizer_folder(const std::string& path, const ReadLimits& limits = {}) {
  namespace tf = tokenizer_folder;
  const Folder folder(path);
  const auto file = folder.find("tokenizer.json");
  const bool model = folder.find("tokenizer.model").has_value();
  if (!file && !model) tf::refuse_without_tokenizer(folder);
  TokenizerFolder t;
  if (file) t.tokenizer_json = parse_json(tf::read_text(*file, limits), file->name());
  std::string config_name = folder.name_of("tokenizer_config.json");
  if (const auto config_file = folder.find("tokenizer_config.json"))
    t.tokenizer_config = parse_json(tf::read_text(*config_file, limits), config_name);
  const boost::json::value config_read = t.tokenizer_config;
  const Json config(config_read, config_name + ": $");
  t.bos = tf::token_name(config, "bos_token"), t.eos = tf::token_name(config, "eos_token");
  t.pad = tf::token_name(config, "pad_token");
  if (!file || (model && tf::stands_for_sentencepiece(Json(t.tokenizer_json, file->name() + ": $"))))
    tf::read_sentencepiece(folder, config, limits, t);
  else t.file = read_tokenizer(t.tokenizer_json, file->name(), limits);
  t.vocabulary_read = vocabulary_size(t.file);
  tf::apply_add_bos_token(config, t);
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

// Writes the folder again: transformers' AutoTokenizer loads it and gives the same ids. Its class is the one that takes
// tokenizer.json as it is: in transformers 5 those of single models (LlamaTokenizer, GPT2Tokenizer, ...) put their own
// normalizer and pre-tokenizer in the place of the file's.
inline void write_tokenizer_folder(const TokenizerFolder& t, const std::string& path) {
  make_folders(path);
  boost::json::object config = t.tokenizer_config.as_object();
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  write_file(path + "/tokenizer.json", boost::json::serialize(t.tokenizer_json));
  write_file(path + "/tokenizer_config.json", boost::json::serialize(config));
  for (const auto& [name, bytes] : t.others) write_file(path + "/" + name, bytes);
}

}  // namespace vlt::text
