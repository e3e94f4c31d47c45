#include <catch2/catch.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/data/image_reader.hpp>
#include <vlt/image/png_encoder.hpp>

using namespace vlt;
using vlt::test::refused;

namespace {

// Tiles of 8 pixels.
image::ClipProcessorFile next_processor() {
  image::ClipProcessorFile file;
  file.shortest_edge = file.crop = 8;
  file.grid = {{8, 16}, {16, 8}, {16, 16}};
  return file;
}
struct OnePicture : test::TemporaryFolder {
  OnePicture() { write("a.png", image::encode_png(image::Image(16, 8))); }
};

}  // namespace

TEST_CASE("a picture is looked at, shown and read as its tiles") {
  const OnePicture folder;
  const data::ImageReader reader(folder.path, next_processor());
  const data::Pictures p = reader.pictures();
  CHECK(p.check("a.png", false) == image::Size{8, 16});
  CHECK(p.floats_per_image == 3 * 8 * 8);
  CHECK(reader.seen("a.png").size() == 3);
  std::vector<float> pixels, again(3 * 192);
  CHECK(reader.append("a.png", pixels) == image::Size{8, 16});
  p.read("a.png", again);
  CHECK(pixels == again);
  CHECK(reader.largest_decode() == 16 * 8 * 3);
}

TEST_CASE("a picture whose size changed after the audit is refused") {
  const OnePicture folder;
  const data::Pictures p = data::ImageReader(folder.path, next_processor()).pictures();
  std::vector<float> five(5 * 192);
  refused([&] { p.read("a.png", five); }, ExitCode::data, "DATA-IMAGE-045", "a.png", "16 x 8");
}
