#pragma once
#include <memory>
#include <vlt/data/sample_builder.hpp>
#include <vlt/text/byte_alphabet.hpp>

namespace vlt::test {

// A tokenizer whose tokens are bytes, with <s> in front: lengths can be counted by hand.
inline std::shared_ptr<const text::Tokenizer> byte_tokenizer() {
  text::TokenizerFile file;
  for (int b = 0; b < 256; ++b) file.model.vocab.emplace_back(text::ByteAlphabet::spell(std::string(1, char(b))), b);
  for (const char* token : {"<s>", "</s>", "<image>"}) text::add_special_token(file, token);
  file.pre_tokenizers = {text::TokenizerFile::ByteLevel{false, true}};
  file.decoders = {text::TokenizerFile::ByteLevel{false, true}};
  file.before = {"<s>"};
  return std::make_shared<const text::Tokenizer>(file);
}
// "<image>q>a</s>|<image>q>a</s>|": one byte for each character, one token for each mark.
inline data::ChatTemplate short_template() {
  data::ChatTemplate t;
  t.image = "<image>", t.user = "{image}{text}>", t.end = "</s>", t.separator = "|";
  return t;
}
inline data::SampleBuilder byte_builder(const data::LengthRules& rules = {}) {
  return data::SampleBuilder(byte_tokenizer(), short_template(), rules);
}
inline data::Record talk(const std::vector<data::Turn>& turns, std::vector<std::string> images = {}) {
  data::Record r;
  r.id = "7";
  r.conversation.turns = turns;
  r.conversation.images = images.size();
  r.images = std::move(images);
  return r;
}
// The text of the ids that are there, and of those that are learnt.
inline std::string text_of(const data::SampleBuilder& b, const std::vector<Index>& ids) {
  std::vector<std::int32_t> known;
  for (const Index id : ids)
    if (id >= 0) known.push_back(std::int32_t(id));
  return b.tokenizer().decode(known);
}

}  // namespace vlt::test
