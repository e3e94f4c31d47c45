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
  CHECK(vlt::read_whole_file(json, 100000) == "[" + vlt::report::debug_page::sample_object(0, s) + ",\n " +
                                                  vlt::report::debug_page::sample_object(1, s) + "]\n");
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
  CHECK(page.find("<title>VLTune samples</title>") != page.npos);
  CHECK(page.find("<h1>What training is shown</h1><p class=\"tokens\"><span class=\"taught\">taught</span>") !=
        page.npos);
  CHECK(page.find("</p>" + vlt::report::debug_page::sample_section(0, s) +
                  vlt::report::debug_page::sample_section(1, s)) != page.npos);
  CHECK(page.find("seen as 2 x 2") != page.npos);
  CHECK(page.find("b.png, seen as 3 tiles of 4 x 4") != page.npos);
  fs::remove_all(folder);
}

TEST_CASE("a sample's text is shown as its tokens cut it, coloured by what is taught", "[pages]") {
  vlt::report::DebugSample s;
  s.id = "7", s.text = "<image>\n\xC3\xA4 yes</s>";
  s.ids = {1, 9, 20, 21, 22, 23, 24}, s.supervised = {0, 0, 0, 0, 1, 1};
  s.tokens = {{}, {0, 7}, {7, 10}, {8, 10}, {10, 14}, {14, 18}};
  const std::string tokens =
      "<div class=\"tokens mono\"><span class=\"\" title=\"id 1\">\u25E6</span>"
      "<span class=\"image\" title=\"id 9\">&lt;image&gt;</span>"
      "<span class=\"\" title=\"id 20\">\u21B5\n\xC3\xA4</span>"
      "<span class=\"\" title=\"id 21\">\u25E6</span>"  // shares the character
      "<span class=\"taught\" title=\"id 22, taught\"> yes</span>"
      "<span class=\"taught\" title=\"id 23, taught\">&lt;/s&gt;</span>"
      "<span class=\"\" title=\"id 24\">\u25E6</span></div>";
  CHECK(vlt::report::debug_page::tokens(s) == tokens);
  const auto section = [&](const std::string& says, const std::string& pictures) {
    return "<h2>4. id 7</h2><div class=\"card\"><p class=\"quiet\">7 tokens, 2 of them taught" + says + "</p>" +
           pictures + tokens + "</div>";
  };
  CHECK(vlt::report::debug_page::sample_section(3, s) == section("", ""));
  s.truncation = "one <turn>";
  CHECK(vlt::report::debug_page::sample_section(3, s) == section("; truncated: one &lt;turn&gt;", ""));
  s.truncation.clear();
  const vlt::image::Image tall(2, 3), square(4, 4);
  s.images = {{"a.png", "", {tall}}, {"b.png", "", {square, tall}}};
  const auto picture = [](const char* name, const std::string& tiles, const std::string& size) {
    return "<figure>" + tiles + "<figcaption class=\"mono\">" + name + ", seen as " + size + "</figcaption></figure>";
  };
  const auto tile = [](const vlt::image::Image& i, const char* name) { return vlt::report::inline_picture(i, name); };
  CHECK(vlt::report::debug_page::sample_section(3, s) ==
        section("; each image mark becomes the model&#39;s image tokens",
                "<div class=\"strip\">" + picture("a.png", tile(tall, "a.png"), "2 x 3") +
                    picture("b.png", tile(square, "b.png") + tile(tall, "b.png"), "2 tiles of 2 x 3") + "</div>"));
}

TEST_CASE("a copied picture keeps the plain end of its name", "[pages]") {
  const auto name = [](const std::string& n) { return vlt::report::debug_page::copy_name(3, 4, n); };
  CHECK(name("a/b-Z0.9z_A/") == "sample-3-image-4-");
  CHECK(name("a/-.09azAZ") == "sample-3-image-4--.09azAZ");
  CHECK(name("a_b/:@[`{ \xC3\xA4") == "sample-3-image-4-________");
  CHECK(name(std::string(100, 'x')) == "sample-3-image-4-" + std::string(100, 'x'));
  CHECK(name("y" + std::string(99, 'x') + "z") == "sample-3-image-4-" + std::string(99, 'x') + "z");
}

TEST_CASE("a sample is an object of JSON", "[pages]") {
  vlt::report::DebugSample s;
  s.id = "7", s.text = "ab", s.ids = {1, 2}, s.supervised = {0, 1}, s.spans = {{0, 1}, {1, 2}}, s.truncation = "t";
  s.images = {{"a", "", {}}, {"b", "", {}}};
  CHECK(vlt::report::debug_page::sample_object(5, s) ==
        R"({"id": "7", "text": "ab", "ids": [1, 2], "supervised": [0, 1], "spans": [[0, 1], [1, 2]], )"
        R"("truncation": "t", "images": [{"name": "a", "copy": "sample-5-image-0-a"}, )"
        R"({"name": "b", "copy": "sample-5-image-1-b"}]})");
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
  planes[0] = -9, planes[17] = 9;  // beyond black and white
  image.pixels[0] = 0, image.pixels[17] = 255;
  CHECK(vlt::report::seen_image(planes, 2, 3, mean, deviation).pixels == image.pixels);
  CHECK(vlt::report::seen_image(planes, 2, 3, mean, deviation).width == 2);
  CHECK_THROWS_AS(vlt::report::seen_image(planes, 3, 3, mean, deviation), std::invalid_argument);
}
