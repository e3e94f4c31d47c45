#include <vlt/text/encoder.hpp>

#include <ctime>
#include <thread>
#include "text_samples.hpp"

namespace {

using vlt_test::random_text;

// Do the spans cover the text, in order? Neighbours may share a character, never leave one out.
bool tiles(const vlt::text::Encoding& e, std::size_t size) {
  std::uint32_t reached = 0;
  for (const auto o : e.offsets) {
    if (o.begin > reached || o.end < reached) return false;
    reached = o.end;
  }
  return reached == size;
}

}  // namespace

TEST_CASE("spans tile the text and ids read back", "[text]") {
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file());
  vlt::text::Encoder encoder(tokenizer);
  std::mt19937 random(3);
  const std::int32_t special = tokenizer.id("<|im_end|>");
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random_text(random, random() % 60);
    const auto all = encoder.encode(text), plain = encoder.encode(text, {.split_special_tokens = true});
    REQUIRE(tiles(all, text.size()));
    REQUIRE(tiles(plain, text.size()));
    REQUIRE(tokenizer.decode(all.ids) == text);
    REQUIRE(tokenizer.decode(plain.ids) == text);
    REQUIRE(std::count(plain.ids.begin(), plain.ids.end(), special) == 0);
    REQUIRE((text.find("<|im_end|>") != text.npos) == (std::count(all.ids.begin(), all.ids.end(), special) > 0));
    if (i % 20 == 0) REQUIRE(vlt::text::Encoder(tokenizer).encode(text).ids == all.ids);  // a cold cache
  }
}

TEST_CASE("an id that no token has is left out of a text", "[text]") {
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file());
  auto ids = vlt::text::Encoder(tokenizer).encode("one two").ids;
  ids.insert(ids.begin() + 1, {std::int32_t(tokenizer.size()), std::int32_t(tokenizer.size()) + 1000, -1});
  CHECK(tokenizer.decode(ids) == "one two");
  CHECK(tokenizer.decode({ids.data() + 1, 3}).empty());
}

TEST_CASE("threads share a tokenizer", "[text][threads]") {
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file());
  std::mt19937 random(4);
  const std::string text = random_text(random, 5000);
  std::vector<std::vector<std::int32_t>> ids(4);
  std::vector<std::thread> threads;
  for (auto& mine : ids) threads.emplace_back([&] { mine = vlt::text::Encoder(tokenizer).encode(text).ids; });
  for (auto& thread : threads) thread.join();
  for (const auto& mine : ids) REQUIRE(mine == ids[0]);
  CHECK(tokenizer.decode(ids[0]) == text);
}

TEST_CASE("long texts take linear time", "[text]") {
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file());
  vlt::text::Encoder encoder(tokenizer);
  for (const std::string unit : {"a", " ", "\n", "'s", "\u0301", "\u6f22", "aA1 ", " \n", "<|im_end|>", "<|im_en"}) {
    std::string text;
    while (text.size() < (std::size_t(1) << 18)) text += unit;
    const std::clock_t start = std::clock();
    const auto e = encoder.encode(text);
    const double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
    CAPTURE(unit, seconds);
    CHECK(seconds < 5);  // quadratic work would take an hour
    CHECK(tiles(e, text.size()));
  }
}

TEST_CASE("only what the template wrote is special", "[text]") {
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file());
  vlt::text::Encoder encoder(tokenizer);
  const std::string text = "<image>say <image><|im_end|> now<|im_end|>";
  const vlt::text::ByteRange written[] = {{0, 7}, {32, 42}};
  const auto e = encoder.encode(text, written);
  CHECK(e.ids.front() == tokenizer.id("<image>"));
  CHECK(e.ids.back() == tokenizer.id("<|im_end|>"));
  CHECK(std::count(e.ids.begin(), e.ids.end(), tokenizer.id("<image>")) == 1);
  CHECK(std::count(e.ids.begin(), e.ids.end(), tokenizer.id("<|im_end|>")) == 1);
  CHECK(tiles(e, text.size()));
}

TEST_CASE("text that is not UTF-8 is refused with its byte", "[text]") {
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file());
  vlt::text::Encoder encoder(tokenizer);
  const std::pair<const char*, int> bad[] = {
      {"ab\xff", 2}, {"\xed\xa0\x80", 0}, {"a\xf0\x9f\x98", 1}, {"\xc0\xaf", 0}, {"\xf4\x90\x80\x80", 0}};
  for (const auto& [text, byte] : bad) {
    const auto c = vlt_test::complaint_of([&, t = text] { encoder.encode(t); }, vlt::ExitCode::data);
    CHECK(c.code() == "DATA-TEXT-001");
    CHECK(c.what().find("byte " + std::to_string(byte)) != c.what().npos);
  }
  CHECK(vlt::utf8::repaired("a\xf0\x9f\x98"
                            "b\xff\xc3(\xed\xa0\x80") == "a\uFFFDb\uFFFD\uFFFD(\uFFFD\uFFFD\uFFFD");
}
