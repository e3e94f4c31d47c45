// Pictures that become several tiles and a number of tokens that depends on their size (LLaVA-NeXT).
#include "byte_samples.hpp"
#include "dataset_text.hpp"

#include <catch2/catch.hpp>
#include <vlt/data/loader.hpp>
#include <vlt/image/picture_processor.hpp>

using namespace vlt;
using namespace vlt::test;

namespace {

constexpr Index newline = ImageLayout::newline;

// Tiles of 8 pixels and 2 x 2 tokens; canvases of 1 x 2, 2 x 1 and 2 x 2 tiles.
image::ClipProcessorFile small_processor() {
  image::ClipProcessorFile file;
  file.shortest_edge = file.crop = 8;
  file.grid = {{8, 16}, {16, 8}, {16, 16}};
  return file;
}
image::PictureRules rules() { return {small_processor(), 2}; }

// "wide" is 8 x 16, "flat" 4 x 16, "tall" 16 x 8, "large" 16 x 16.
image::Size size_of_picture(const std::string& name) {
  return name.starts_with("wide")   ? image::Size{8, 16}
         : name.starts_with("flat") ? image::Size{4, 16}
         : name.starts_with("tall") ? image::Size{16, 8}
                                    : image::Size{16, 16};
}
data::Dataset audited(const std::string& text, const data::LengthRules& lengths) {
  const TemporaryFolder folder;
  Threads threads(2);
  data::Audit audit(
      {}, {data::OnBadSample::skip, 1.0, 20}, byte_builder(lengths),
      [](const std::string& name, bool) { return size_of_picture(name); }, threads);
  return audit({folder.write("x.json", text)});
}
}  // namespace

TEST_CASE("a plain picture is one tile of so many tokens") {
  const image::PictureRules plain = 5;
  CHECK(!plain.vary());
  CHECK(plain.tiles({3, 900}) == 1);
  CHECK(plain.tokens({3, 900}) == 5);
  CHECK(plain.layout({3, 900}).row == std::vector<Index>{0, 1, 2, 3, 4});
  CHECK(plain.max_tiles() == 1);
  CHECK(plain.max_tokens() == 5);
  CHECK_THROWS_AS(image::PictureRules(0), std::invalid_argument);
}

TEST_CASE("a grid is read line by line across its tiles, without what was padded") {
  const image::PictureRules r = rules();
  CHECK(r.vary());
  CHECK(r.tiles({8, 16}) == 3);
  CHECK(r.layout({8, 16}).row == std::vector<Index>{0, 1, 2, 3, 4, 5, 8, 9, newline, 6, 7, 10, 11, newline});
  CHECK(r.layout({4, 16}).tiles == 3);  // half as high as its canvas: no line is wholly padded away
  const Index n = newline;
  CHECK(r.layout({16, 16}).row ==
        std::vector<Index>{0, 1, 2, 3, 4, 5, 8, 9, n, 6, 7, 10, 11, n, 12, 13, 16, 17, n, 14, 15, 18, 19, n});
  CHECK(r.tokens({16, 16}) == 4 + 16 + 4);
  CHECK(r.layout({1, 900}).row == std::vector<Index>{0, 1, 2, 3});
  CHECK(r.min_tokens() == 4);
  CHECK(r.max_tiles() == 5);
  CHECK(r.max_tokens() == 24);
}

TEST_CASE("the pixels of a picture are those of its tiles, in the layout's number") {
  const image::PictureProcessor processor(small_processor());
  for (const image::Size size : {image::Size{8, 16}, image::Size{16, 8}, image::Size{40, 3}, image::Size{100, 90}}) {
    image::Image image(size.width, size.height);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = std::uint8_t(i * 37);
    std::vector<float> pixels(1, -7);
    processor.append(image, pixels);
    CHECK(pixels.size() == 1 + std::size_t(rules().tiles(size)) * 3 * 8 * 8);
    CHECK(pixels[0] == -7);
    CHECK(processor.tiles(image).size() == std::size_t(rules().tiles(size)));
  }
  image::ClipProcessorFile plain = small_processor();
  plain.grid.clear();
  CHECK(image::PictureProcessor(plain).tiles(image::Image(100, 90)).size() == 1);
}

TEST_CASE("a record's length follows from the sizes of its own pictures") {
  const auto images = [](const char* list) { return std::string("[") + list + "]"; };
  const std::string text = "[" + record("a", "\"wide.png\"", "q", "yes") + "," + record("b", "null", "q", "yes") + "," +
                           record("c", images(R"("large.png", "tall.png")"), "q", "yes") + "]";
  const data::Dataset data = audited(text, {256, rules()});
  REQUIRE(data.size() == 3);
  const Index words = data.sizes[1].tokens;
  CHECK(data.sizes[1].tiles == 0);
  CHECK(data.sizes[0].tokens == words + 14);
  CHECK(data.sizes[0].tiles == 3);
  CHECK(data.sizes[2].tokens == words + 24 + (4 + 8 + 4));
  CHECK(data.sizes[2].tiles == 5 + 3);
  CHECK(data.sizes[2].images == 2);
  CHECK(data.records[2].sizes == std::vector<image::Size>{{16, 16}, {16, 8}});
}

TEST_CASE("where pictures are all alike no sizes are kept") {
  const data::Dataset data = audited("[" + record("a", "\"wide.png\"") + "]", {256, 4});
  CHECK(data.records.at(0).sizes.empty());
  CHECK(data.sizes.at(0).tiles == 1);
}

TEST_CASE("turns whose pictures do not fit are left out whole") {
  data::Record r = talk({{"<image>q", "one"}, {"<image>q", "two"}}, {"wide", "large"});
  r.sizes = {{8, 16}, {16, 16}};
  const auto prepare = [&](Index max_seq_len) {
    const data::SampleBuilder builder = byte_builder({max_seq_len, rules()});
    text::Encoder encoder(builder.tokenizer());
    return builder.prepare(r, encoder);
  };
  const data::PreparedSample whole = prepare(100);
  CHECK(whole.cut == data::Cut::none);
  CHECK(whole.tiles == 8);
  CHECK(whole.sizes == r.sizes);
  CHECK(prepare(whole.tokens).cut == data::Cut::none);
  const data::PreparedSample first = prepare(whole.tokens - 1);
  CHECK(first.cut == data::Cut::turns);
  CHECK(first.images == std::vector<std::string>{"wide"});
  CHECK(first.sizes == std::vector<image::Size>{{8, 16}});
  CHECK(first.tiles == 3);
  CHECK(whole.tokens - first.tokens == 24 + Index(std::string("q>two|").size()) + 1);
  std::swap(r.sizes[0], r.sizes[1]);
  CHECK(prepare(100).tokens == whole.tokens);
  CHECK(prepare(whole.tokens - 1).tiles == 5);
}

TEST_CASE("micro-batches hold the tiles of their pictures, one after another") {
  const data::LengthRules lengths{256, rules()};
  std::string text = "[";
  for (int i = 0; i < 12; ++i) {
    const char* name[] = {"\"wide.png\"", "null", "[\"large.png\", \"flat.png\"]", "\"tall.png\""};
    text += (i ? "," : "") + record(std::to_string(i), name[i % 4], "q", "yes");
  }
  const auto paint = [](const std::string& name, std::span<float> to) {
    REQUIRE(to.size() == std::size_t(rules().tiles(size_of_picture(name)) * 6));
    std::fill(to.begin(), to.end(), float(name[0]));
  };
  auto source = std::make_shared<data::SampleSource>(
      data::SampleSource{audited(text + "]", lengths), byte_builder(lengths), paint, 6});
  std::vector<Index> all(12);
  std::iota(all.begin(), all.end(), Index(0));
  const data::BatchPlan plan({all, 1, false}, source->data.sizes, {.sequences = 4});
  data::Loader loader(source, plan, {.workers = 2});
  const data::MicroBatchSize largest = plan.largest();
  CHECK(largest.images == 4);
  CHECK(largest.tiles == 3 + 5 + 3 + 3);
  while (loader.more()) {
    const data::MicroBatch& b = loader.next();
    CHECK(b.images == 4);
    CHECK(b.tiles == largest.tiles);
    CHECK(b.pixels.size() == std::size_t(b.tiles * 6));
    CHECK(b.pixels.capacity() == b.pixels.size());  // room was made for as many as the audit counted
    CHECK(b.sizes == std::vector<image::Size>{{8, 16}, {16, 16}, {4, 16}, {16, 8}});
    CHECK(b.pixels[2 * 6] == float('w'));
    CHECK(b.pixels[3 * 6] == float('l'));
    CHECK(b.pixels[8 * 6] == float('f'));
    CHECK(b.pixels.back() == float('t'));
  }
  std::swap(source->data.records[0], source->data.records[2]);
  source->measure();
  CHECK(source->data.sizes[0].tiles == 8);
  CHECK(source->data.sizes[2].tiles == 3);
}

TEST_CASE("features that are known stand at their picture's tiles, and only the others have pixels", "[threads]") {
  const data::LengthRules lengths{256, rules()};
  const std::string text = "[" + record("a", R"(["wide.png", "large.png", "flat.png", "tall.png"])", "q", "yes") + "]";
  const auto paint = [](const std::string& name, std::span<float> to) {
    if (name == "tall.png") blame_data.raise(Complaint("IMAGE-019", "truncated"));
    std::fill(to.begin(), to.end(), float(name[0]));
  };
  auto source = std::make_shared<data::SampleSource>(data::SampleSource{
      audited(text, lengths), byte_builder(lengths), paint, 6, [](const std::string& n) { return n; }});
  const auto cache = std::make_shared<data::MemoryFeatures>("", 2, 1000);
  for (const char* name : {"large.png", "tall.png"}) {
    std::vector<float> features(std::size_t(rules().tiles(size_of_picture(name)) * 2));
    std::iota(features.begin(), features.end(), float(name[0]));
    cache->keep(cache->key_of(name), features);
  }
  const data::BatchPlan plan({{0}, 1, false}, source->data.sizes, {});
  data::Loader loader(source, plan, {.workers = 1, .features = cache});
  data::MicroBatch& b = loader.next();
  REQUIRE(b.lost.empty());  // nobody looked at its pixels
  REQUIRE(b.cached.size() == 4);
  std::vector<Index> first;
  std::vector<bool> known;
  for (const data::CachedImage& image : b.cached) first.push_back(image.tile), known.push_back(image.known);
  CHECK(first == std::vector<Index>{0, 3, 8, 11});
  CHECK(known == std::vector<bool>{false, true, false, true});
  CHECK(b.tiles == 14);
  CHECK(b.tower_tiles() == 6);
  std::vector<float> pixels(18, 'w');
  pixels.insert(pixels.end(), 18, 'f');
  CHECK(b.pixels == pixels);
  REQUIRE(b.features.size() == 28);
  for (int i = 0; i < 10; ++i) CHECK(b.features[std::size_t(6 + i)] == float('l' + i));
  for (int i = 0; i < 6; ++i) CHECK(b.features[std::size_t(22 + i)] == float('t' + i));
  CHECK(data::loader_bytes({.workers = 1}, plan.largest(), 6 + 2) -
            data::loader_bytes({.workers = 1}, plan.largest(), 6) ==
        3 * 14 * 2 * 4);
  b.clear();
  CHECK(b.tower_tiles() == 0);
}
