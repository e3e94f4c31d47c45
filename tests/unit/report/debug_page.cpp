#include <vlt/report/debug_page.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <vlt/io/file.hpp>
#include <vlt/io/json.hpp>

namespace fs = std::filesystem;

TEST_CASE("the debug page shows what is taught", "[pages]") {
  const fs::path folder = fs::temp_directory_path() / ("vlt-debug-" + std::to_string(getpid()));
  fs::remove_all(folder);
  vlt::report::DebugSample s;
  s.id = "a/7 <x>", s.text = "<image>\nHow? <b>Red</b></s>";
  s.ids = {1, 9, 20, 21, 22}, s.supervised = {0, 0, 0, 1, 1};
  s.tokens = {{}, {0, 7}, {7, 12}, {12, 23}, {23, 27}};
  s.spans = {{13, 27}};
  s.images = {{"../odd name?.png", "the file's bytes", {vlt::image::Image(2, 2)}},
              {"b.png", "", {3, vlt::image::Image(4, 4)}}};
  vlt::report::write_debug_page(folder.string(), {s, s});

  CHECK(vlt::read_whole_file((folder / "sample-1-image-0-odd_name_.png").string(), 100) == "the file's bytes");
  const std::string json = (folder / "samples.json").string();
  const auto value = vlt::parse_json(vlt::read_whole_file(json, 100000), json);
  const vlt::Json all(value, "$");
  REQUIRE(all.array().size() == 2);
  CHECK(all[0].at("id").string() == s.id);
  CHECK(all[0].at("text").string() == s.text);
  CHECK(all[0].at("ids")[4].index() == 22);
  CHECK(all[0].at("supervised")[3].index() == 1);
  CHECK(all[0].at("spans")[0][1].index() == 27);
  CHECK(all[0].at("truncation").is_null());
  CHECK(all[1].at("images")[0].at("copy").string() == "sample-1-image-0-odd_name_.png");

  const std::string page = vlt::read_whole_file((folder / "index.html").string(), 100000);
  CHECK(page.find("<span class=\"taught\" title=\"id 21, taught\"> &lt;b&gt;Red&lt;/b&gt;</span>") != page.npos);
  CHECK(page.find("<span class=\"image\" title=\"id 9\">&lt;image&gt;</span>") != page.npos);
  CHECK(page.find("<b>") == page.npos);
  CHECK(page.find("seen as 2 x 2") != page.npos);
  CHECK(page.find("b.png, seen as 3 tiles of 4 x 4") != page.npos);
  fs::remove_all(folder);
}

TEST_CASE("the picture behind a model's numbers", "[pages]") {
  const std::array<float, 3> mean{0.5f, 0.4f, 0.3f}, deviation{0.2f, 0.25f, 0.3f};
  vlt::image::Image image(2, 3);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = std::uint8_t(i * 14);
  std::vector<float> planes(18);
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t i = 0; i < 6; ++i)
      planes[c * 6 + i] = (float(image.pixels[3 * i + c]) / 255 - mean[c]) / deviation[c];
  CHECK(vlt::report::seen_image(planes, 2, 3, mean, deviation).pixels == image.pixels);
  CHECK_THROWS_AS(vlt::report::seen_image(planes, 3, 3, mean, deviation), std::invalid_argument);
}
