// Ids and offsets against the answers of the tokenizers library (tests/golden/text/make_encodings.py).
#include <vlt/io/file.hpp>
#include <vlt/text/encoder.hpp>
#include <vlt/text/read_tokenizer_json.hpp>

#include <catch2/catch.hpp>

TEST_CASE("encodings equal those of the tokenizers library", "[text][golden]") {
  const std::string path = VLT_TEST_DIR "/golden/text/encodings.json";
  const auto value = vlt::parse_json(vlt::read_whole_file(path, 1 << 20), path);
  const vlt::Json golden(value, "$"), texts = golden.at("texts"), all = golden.at("tokenizers");
  REQUIRE(all.array().size() == 4);
  for (std::size_t s = 0; s < all.array().size(); ++s) {
    const vlt::Json ids = all[s].at("ids"), offsets = all[s].at("offsets");
    const vlt::text::Tokenizer tokenizer(vlt::text::read_tokenizer(all[s].at("tokenizer").raw(), "golden"));
    vlt::text::Encoder encoder(tokenizer);
    CAPTURE(all[s].at("name").string());
    REQUIRE(texts.array().size() == 64);
    for (std::size_t i = 0; i < texts.array().size(); ++i) {
      const vlt::text::Encoding e = encoder.encode(texts[i].string());
      CAPTURE(i, texts[i].string());
      REQUIRE(e.ids.size() == ids[i].array().size());
      for (std::size_t k = 0; k < e.ids.size(); ++k) {
        REQUIRE(e.ids[k] == ids[i][k].index());
        REQUIRE(int(e.offsets[k].begin) == offsets[i][2 * k].index());
        REQUIRE(int(e.offsets[k].end) == offsets[i][2 * k + 1].index());
      }
    }
  }
}
