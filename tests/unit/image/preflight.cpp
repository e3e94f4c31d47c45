// What an image file may be is decided before it is decoded; each refusal names its reason.
#include <unit/image/preflight_checks.hpp>

using namespace vlt;
using namespace vlt::test;
using namespace std::string_literals;

TEST_CASE("good files pass, and their sides are known") {
  for (const char* name : {"rgb.png", "p.png", "grey_16_bits.png", "progressive_420.jpg", "cmyk.jpg", "restarts.jpg"}) {
    const image::ImageHeader h = image::preflight(golden_bytes(name), name);
    CHECK(h.width == 37);
    CHECK(h.height == 29);
    CHECK((h.format == image::ImageFormat::png) == std::string(name).ends_with(".png"));
  }
  CHECK(image::preflight(golden_bytes("cmyk.jpg"), "c").channels == 4);
  CHECK(image::preflight(golden_bytes("cmyk.jpg"), "c").adobe == 0);
  CHECK(image::preflight(golden_bytes("ycck.jpg"), "c").adobe == 2);
  CHECK(image::preflight(golden_bytes("grey.jpg"), "c").adobe == -1);
  CHECK(image::preflight(golden_bytes("rgb.png"), "called.jpg").format == image::ImageFormat::png);
  CHECK(image::preflight(golden_bytes("rgb.png") + "more bytes", "x").width == 37);
  CHECK(image::preflight(golden_bytes("grey.jpg") + "more bytes", "x").width == 37);
  for (const int depth : {1, 2, 4, 8, 16})
    CHECK_NOTHROW(image::preflight(png_file(header(2, 2, depth, 0) + idat() + end()), "x"));
}

TEST_CASE("other files are named by their content") {
  bad("", "001", "the file is empty");
  bad("x", "001", "78");
  bad("just a text", "001", "not a PNG or JPEG", "6a 75 73 74");
  const std::pair<std::string, const char*> foreign[] = {{"GIF89a....", "GIF"},
                                                         {"RIFF\x10\0\0\0WEBPVP8 "s, "WebP"},
                                                         {"BM......", "BMP"},
                                                         {"II*\0...."s, "TIFF"},
                                                         {"\0\0\0\x1c"
                                                          "ftypavif"s,
                                                          "AVIF"},
                                                         {"\0\0\0\x1c"
                                                          "ftypheic"s,
                                                          "HEIC"},
                                                         {"<?xml version='1.0'?><svg>", "SVG"},
                                                         {"8BPS\0\1"s, "PSD"},
                                                         {"#?RADIANCE\n", "HDR"},
                                                         {"P6 2 2 255 ", "PNM"},
                                                         {"\0\0\2\0\0\0\0\0\0\0\0\0\2\0\2\0\x18\0"s, "TGA"}};
  for (const auto& [bytes, format] : foreign) bad(bytes, "005", format, "convert to PNG or JPEG");
  image::ImageLimits small;
  small.file_bytes = 10;
  refused([&] { image::preflight(golden_bytes("rgb.png"), "x", small); }, ExitCode::data, "DATA-IMAGE-002",
          "at most 10");
}

TEST_CASE("formats are told apart by their first bytes only") {
  const auto foreign = [](const std::string& bytes) { return image::foreign_image_format(bytes); };
  CHECK(foreign("MM\0*...."s) == "TIFF");
  const std::string box("\0\0\0\x1c", 4);
  for (const char* brand : {"avif", "avis"}) CHECK(foreign(box + "ftyp" + brand) == "AVIF");
  for (const char* brand : {"heic", "heix", "mif1", "msf1"}) CHECK(foreign(box + "ftyp" + brand) == "HEIC");
  CHECK(foreign(box + "ftypavi").empty());
  CHECK(foreign(box + "ftypmp42").empty());
  CHECK(foreign("#?RGBE\n") == "HDR");
  for (const char* start : {"P1 ", "P2\t", "P3\r", "P4\n", "P5 ", "P7 "}) CHECK(foreign(start) == "PNM");
  for (const char* start : {"P0 ", "P8 ", "P6x", "P6", "Q6 "}) CHECK(foreign(start).empty());
  CHECK(foreign("RIFF\x10\0\0\0WEBP"s) == "WebP");
  CHECK(foreign("RIFF\x10\0\0\0WEB"s).empty());
  CHECK(foreign("RIFF\x10\0\0\0WAVEfmt "s).empty());
  CHECK(foreign(std::string(252, ' ') + "<svg") == "SVG");
  CHECK(foreign(std::string(253, ' ') + "<svg").empty());
  const auto tga = [&](int map, int kind, int depth, std::size_t bytes = 18) {
    std::string file(bytes, '\0');
    file[1] = char(map), file[2] = char(kind);
    if (bytes > 16) file[16] = char(depth);
    return foreign(file);
  };
  for (int kind = 0; kind < 14; ++kind)
    CHECK((tga(0, kind, 24) == "TGA") == ((kind >= 1 && kind <= 3) || (kind >= 9 && kind <= 11)));
  for (int depth = 0; depth < 40; ++depth)
    CHECK((tga(1, 2, depth) == "TGA") == (depth == 8 || depth == 15 || depth == 16 || depth == 24 || depth == 32));
  CHECK(tga(2, 2, 24).empty());
  CHECK(tga(0, 2, 24, 17).empty());
  bad("0123456789", "001", "(first bytes 30 31 32 33 34 35 36 37) |", "10 bytes");
  image::ImageLimits exact;
  exact.file_bytes = golden_bytes("rgb.png").size();
  CHECK_NOTHROW(image::preflight(golden_bytes("rgb.png"), "x", exact));
}

TEST_CASE("sides and areas beyond the limits") {
  const image::ImageLimits usual;
  CHECK(usual.file_bytes == 67108864);
  CHECK((usual.side == 16384 && usual.pixels == 50000000));
  CHECK((usual.jpeg_scans == 100 && usual.png_chunks == 100000));
  CHECK(usual.memory(10, 20) == 24 * 200 + 4194304);
  CHECK(usual.memory_at_once == 1073741824);
  CHECK(usual.seconds == 10);
  const image::ImageHeader none;
  CHECK((none.format == image::ImageFormat::png && none.width == 0 && none.height == 0));
  CHECK((none.channels == 3 && none.adobe == -1));
  image::ImageLimits small;
  small.side = 10, small.pixels = 50;
  const image::ImageFault fault{"x.png"};
  const auto check = [&](std::int64_t w, std::int64_t h) { image::check_sides(w, h, small, fault); };
  CHECK_NOTHROW(check(10, 5));
  CHECK_NOTHROW(check(5, 10));
  CHECK_NOTHROW(check(1, 1));
  for (const auto& [w, h, word] : {std::tuple(11, 1, "at most 10 pixels a side"),
                                   {1, 11, "at most 10 pixels a side"},
                                   {10, 6, "at most 50 pixels |"},
                                   {0, 1, "no pixels"},
                                   {1, 0, "no pixels"}})
    refused([&, w = w, h = h] { check(w, h); }, ExitCode::data, "DATA-IMAGE-012", word,
            std::to_string(w) + " x " + std::to_string(h));
  bad(png_file(header(0, 5)), "012", "0 x 5");
  bad(png_file(header(5, 0)), "012", "5 x 0");
  bad(png_file(header(1u << 31, 1)), "012", "2147483648 x 1", "16384");
  bad(png_file(header(20000, 20000)), "012", "20000 x 20000");
  bad(png_file(header(16000, 16000)), "012", "16000 x 16000", "50000000 pixels");
  const auto sides = [](int height, int width) {
    return jpeg_with("baseline_444.jpg", 0xc0, [&](std::string& b, std::size_t at) {
      b[at + 5] = char(height >> 8), b[at + 6] = char(height), b[at + 7] = char(width >> 8), b[at + 8] = char(width);
    });
  };
  bad(sides(65535, 65535), "012", "65535 x 65535");
  bad(sides(0, 37), "023", "height 0");
  bad(sides(29, 0), "012", "0 x 29");
}
