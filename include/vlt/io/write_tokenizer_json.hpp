#pragma once
#include <boost/json.hpp>
#include <string>
#include <vlt/base/error.hpp>
#include <vlt/io/tokenizer_file.hpp>

namespace vlt {

// Writes a byte-level tokenizer.json, the kind that the trainer makes; anything else is refused rather than written in
// part.
inline std::string write_tokenizer_json(const TokenizerFile& file) {
  namespace bj = boost::json;
  require(file.normalizers.empty() && file.before.empty() && file.after.empty() && file.decoders.size() == 1,
          "tokenizer.json: only what the trainer makes can be written");
  bj::array added, steps, merges;
  for (const auto& t : file.added)
    added.push_back(bj::object{{"id", t.id},
                               {"content", t.content},
                               {"single_word", t.single_word},
                               {"lstrip", t.lstrip},
                               {"rstrip", t.rstrip},
                               {"normalized", t.normalized},
                               {"special", t.special}});
  for (const auto& step : file.pre_tokenizers) {
    if (const auto* b = std::get_if<TokenizerFile::ByteLevel>(&step))
      steps.push_back(bj::object{{"type", "ByteLevel"},
                                 {"add_prefix_space", b->add_prefix_space},
                                 {"trim_offsets", false},
                                 {"use_regex", b->use_regex}});
    else if (const auto* d = std::get_if<TokenizerFile::Digits>(&step))
      steps.push_back(bj::object{{"type", "Digits"}, {"individual_digits", d->individual}});
    else throw std::invalid_argument("tokenizer.json: only what the trainer makes can be written");
  }
  bj::object vocab;
  for (const auto& [token, id] : file.model.vocab) vocab[token] = id;
  for (const auto& m : file.model.merges) merges.push_back(bj::array{bj::string(m[0]), bj::string(m[1])});
  const bj::object model{{"type", "BPE"},
                         {"dropout", nullptr},
                         {"unk_token", nullptr},
                         {"continuing_subword_prefix", nullptr},
                         {"end_of_word_suffix", nullptr},
                         {"fuse_unk", false},
                         {"byte_fallback", false},
                         {"ignore_merges", file.model.ignore_merges},
                         {"vocab", vocab},
                         {"merges", merges}};
  return bj::serialize(bj::object{
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer", bj::object{{"type", "Sequence"}, {"pretokenizers", steps}}},
      {"post_processor", nullptr},
      {"decoder",
       bj::object{{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
      {"model", model}});
}

}  // namespace vlt
