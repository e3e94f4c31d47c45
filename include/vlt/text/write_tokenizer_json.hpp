#pragma once
#include <boost/json.hpp>
#include <vlt/base/error.hpp>
#include <vlt/text/tokenizer_file.hpp>

namespace vlt::text {
namespace tokenizer_json {

inline boost::json::object added_token_object(const TokenizerFile::AddedToken& t) {
  return {{"id", t.id},         {"content", t.content},       {"single_word", t.single_word}, {"lstrip", t.lstrip},
          {"rstrip", t.rstrip}, {"normalized", t.normalized}, {"special", t.special}};
}

inline boost::json::object pre_tokenizer_object(const TokenizerFile::PreTokenizer& step) {
  if (const auto* bytes = std::get_if<TokenizerFile::ByteLevel>(&step))
    return {{"type", "ByteLevel"},
            {"add_prefix_space", bytes->add_prefix_space},
            {"trim_offsets", false},
            {"use_regex", bytes->use_regex}};
  const auto* digits = std::get_if<TokenizerFile::Digits>(&step);
  require(digits != nullptr, "tokenizer.json: only the pre-tokenizers of BpeTrainer can be written");
  return {{"type", "Digits"}, {"individual_digits", digits->individual}};
}

inline boost::json::object model_object(const TokenizerFile::Model& model) {
  boost::json::object vocab;
  boost::json::array merges;
  for (const auto& [token, id] : model.vocab) vocab[token] = id;
  for (const auto& m : model.merges) merges.push_back(boost::json::array{boost::json::string(m[0]), m[1]});
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", model.ignore_merges},
          {"vocab", std::move(vocab)},
          {"merges", std::move(merges)}};
}

}  // namespace tokenizer_json

// A byte-level tokenizer.json, the kind that BpeTrainer makes. Anything else breaks the contract: a file that was read
// is written again from its own JSON (TokenizerFolder).
inline boost::json::object tokenizer_object(const TokenizerFile& file) {
  namespace tj = tokenizer_json;
  require(file.normalizers.empty() && file.before.empty() && file.after.empty() && file.decoders.size() == 1,
          "tokenizer.json: only what BpeTrainer makes can be written");
  boost::json::array added, steps;
  for (const auto& token : file.added) added.push_back(tj::added_token_object(token));
  for (const auto& step : file.pre_tokenizers) steps.push_back(tj::pre_tokenizer_object(step));
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", std::move(added)},
          {"normalizer", nullptr},
          {"pre_tokenizer", boost::json::object{{"type", "Sequence"}, {"pretokenizers", std::move(steps)}}},
          {"post_processor", nullptr},
          {"decoder", tj::pre_tokenizer_object(TokenizerFile::ByteLevel{true, true})},
          {"model", tj::model_object(file.model)}};
}

}  // namespace vlt::text
