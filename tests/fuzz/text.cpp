// Tokenizers, and texts for one of them.
#include <fuzz/targets.hpp>
#include <vlt/io/json.hpp>
#include <vlt/text/encoder.hpp>
#include <vlt/text/read_tokenizer_json.hpp>
#include <vlt/text/sentencepiece_tokenizer.hpp>

namespace vlt::fuzz {
namespace {

constexpr std::string_view spoken = "Hello, wörld! 123  <s>\n\tThe cat's 4 \xF0\x9F\x90\x88 </s>";

// Ids are the tokenizer's, and stand for parts of the text.
void encode(const text::Tokenizer& tokenizer, std::string_view words) {
  text::Encoder encoder(tokenizer);
  for (const bool split : {false, true}) {
    const text::Encoding e = encoder.encode(words, {.split_special_tokens = split});
    promise(e.ids.size() == e.offsets.size(), "a place for each id");
    for (const std::int32_t id : e.ids) promise(id >= 0 && std::size_t(id) < tokenizer.size(), "an id has a row");
    for (const text::ByteRange& r : e.offsets) promise(r.end <= words.size(), "a token's place is in the text");
    promise(!utf8::invalid_byte(tokenizer.decode(e.ids)), "what is decoded is UTF-8");
  }
}

}  // namespace

void tokenizer_json(std::string_view bytes) {
  ReadLimits limits;
  limits.vocabulary = 100000;
  may_refuse({ExitCode::model, ExitCode::data}, [&] {
    const boost::json::value value = parse_json(bytes, "tokenizer.json");
    encode(text::Tokenizer(text::read_tokenizer(value, "tokenizer.json", limits)), spoken);
  });
}

void tokenizer_model(std::string_view bytes) {
  may_refuse({ExitCode::model, ExitCode::data}, [&] {
    const auto model = text::read_sentencepiece_model(bytes, "tokenizer.model");
    encode(text::Tokenizer(
               text::sentencepiece_tokenizer(model, "tokenizer.model", text::TokenizerFile::PrependScheme::always)),
           spoken);
  });
}

// A tokenizer over bytes gives every text back.
void words(std::string_view bytes) {
  static const text::Tokenizer tokenizer = [] {
    const auto value = parse_json(
        R"({"added_tokens": [{"id": 256, "content": "<s>", "special": true, "normalized": false}],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "decoder": {"type": "ByteLevel"},
            "model": {"type": "BPE", "vocab": {}, "merges": []}})",
        "t.json");
    text::TokenizerFile file = text::read_tokenizer(value, "t.json");
    for (int byte = 0; byte < 256; ++byte)
      file.model.vocab.emplace_back(text::ByteAlphabet::spell(std::string(1, char(byte))), byte);
    return text::Tokenizer(file);
  }();
  may_refuse({ExitCode::data}, [&] {
    text::Encoder encoder(tokenizer);
    const text::Encoding e = encoder.encode(bytes, {.add_special_tokens = false});
    promise(tokenizer.decode(e.ids) == bytes, "a text comes back");
    encode(tokenizer, bytes);
  });
}

}  // namespace vlt::fuzz
