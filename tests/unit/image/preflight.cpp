// What an image file may be is decided before it is decoded; each refusal names its reason.
#include <unit/image/pictures.hpp>
#include <unit/image/png_bytes.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/image/preflight.hpp>

using namespace vlt;
using namespace vlt::test;
using namespace std::string_literals;

namespace {

template <class... Words> void bad(const std::string& bytes, const char* number, const Words&... words) {
  refused([&] { image::preflight(bytes, "x.png"); }, ExitCode::data, std::string("DATA-IMAGE-") + number, words...);
}
std::string idat(std::size_t bytes = 7) { return chunk("IDAT", stored(std::string(bytes, '\0'))); }

// The bytes of a JPEG with the first occurrence of a marker's segment changed.
template <class Change> std::string jpeg_with(const std::string& file, unsigned char marker, Change&& change) {
  std::string bytes = golden_bytes(file);
  const std::size_t at = bytes.find(std::string("\xff") + char(marker));
  REQUIRE(at != bytes.npos);
  change(bytes, at);
  return bytes;
}

}  // namespace

TEST_CASE("the checksum of a PNG's chunks is CRC-32") {
  CHECK(image::png::crc("123456789") == 0xcbf43926);  // its usual check value
  CHECK(image::png::crc(std::string(32, '\xff')) == 0xff6cab0b);
  CHECK(image::png::crc("") == 0);
}

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

TEST_CASE("PNG files that are cut or damaged") {
  const std::string good = golden_bytes("rgb.png");
  for (std::size_t n = image::png::signature.size(); n + 1 < good.size(); n += 37)
    bad(good.substr(0, n), "006", "truncated at byte " + std::to_string(n));
  for (const char* type : {"IHDR", "IDAT", "IEND"}) {
    std::string broken = good;
    broken[good.find(type) + 4 + (type == "IEND"s ? 0 : 2)] ^= 1;
    bad(broken, type == "IHDR"s ? "008" : "008", type, "checksum");
  }
  bad(png_file(header(2, 2) + end()), "010", "no image data");
  bad(png_file(header(2, 2) + chunk("IDAT", "") + idat() + end()), "011", "length 0");
  bad(png_file(chunk("CgBI", "1234") + header(2, 2)), "017", "CgBI");
  bad(png_file(idat() + end()), "009", "begin with IHDR");
  bad(png_file(header(2, 2) + header(2, 2) + idat() + end()), "009", "second IHDR");
  bad(png_file(header(2, 2) + idat() + chunk("tEXt", "a") + idat() + end()), "009", "consecutive");
  bad(png_file(header(2, 2) + chunk("ABCD", "a") + idat() + end()), "014", "ABCD");
  bad(png_file(header(2, 2) + chunk("a1cd", "a") + idat() + end()), "009", "name");
  bad(png_file(header(2, 2, 8, 3) + idat() + end()), "013", "palette");
  bad(png_file(header(2, 2, 8, 3) + chunk("PLTE", "1234") + idat() + end()), "013", "4 bytes");
  bad(png_file(header(2, 2, 3, 0)), "009", "3 bits");
  bad(png_file(header(2, 2, 4, 2)), "009", "colour type 2");
  std::string many;
  for (int i = 0; i < 100001; ++i) many += chunk("tEXt", "");
  bad(png_file(header(2, 2) + many + idat() + end()), "025", "too many chunks");
}

TEST_CASE("sides and areas beyond the limits") {
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

TEST_CASE("JPEG files that are cut or of an unusual kind") {
  const std::string good = golden_bytes("baseline_420.jpg");
  bad(good.substr(0, good.size() / 2), "019", "truncated");
  bad(good.substr(0, good.size() - 2), "019", "truncated");
  bad(good.substr(0, 3), "019", "truncated");
  bad(good.substr(0, 2) + good.substr(good.size() - 2), "019", "no image data");
  for (const auto& [marker, word] : {std::pair(0xc3, "lossless"), std::pair(0xc5, "hierarchical"),
                                     std::pair(0xc9, "arithmetic"), std::pair(0xca, "arithmetic")})
    bad(jpeg_with("baseline_420.jpg", 0xc0, [&](std::string& b, std::size_t at) { b[at + 1] = char(marker); }), "024",
        word);
  const auto frame = [](std::size_t offset, int value) {
    return jpeg_with("baseline_420.jpg", 0xc0, [&](std::string& b, std::size_t at) { b[at + offset] = char(value); });
  };
  bad(frame(4, 12), "024", "12-bit");
  bad(frame(9, 2), "024", "channels");
  bad(frame(9, 4), "029", "length");
  bad(frame(11, 0x50), "029", "sampling");
  for (const int luma : {0x32, 0x23}) {  // beside a chroma channel of 2 x 2
    std::string odd = frame(11, luma);
    odd[odd.find("\xff\xc0") + 14] = 0x22;
    bad(odd, "024", "fractional sampling");
  }
  CHECK_NOTHROW(image::preflight(frame(11, 0x41), "x"));
  bad(frame(12, 4), "029", "quantisation table");
  bad(good.substr(0, 2) + "\xff\xe1\0\0"s + good.substr(2), "029", "too short", "@ byte 4");
  bad(good.substr(0, 2) + "\xff\xe1\0\1"s + good.substr(2), "029", "too short");
  bad(good.substr(0, 2) + "\xff\xdc\0\4\0\1"s + good.substr(2), "023", "DNL");
  bad("\xff\xd8" + std::string(1 << 20, '\xff'), "019", "truncated");
  bad(good.substr(0, 2) + "x" + good.substr(2), "001");
  bad(good.substr(0, 20) + "x" + good.substr(20), "029", "marker");
}

TEST_CASE("JPEG tables and scans are consistent") {
  const auto table = [](std::size_t offset, int value) {
    return jpeg_with("baseline_420.jpg", 0xc4, [&](std::string& b, std::size_t at) { b[at + offset] = char(value); });
  };
  bad(table(5, 255), "021", "bad Huffman table", "more codes");
  bad(table(4, 0x25), "021", "no such table");
  bad(table(21, 200), "021", "DC symbol");
  bad(jpeg_with("baseline_420.jpg", 0xc4,
                [](std::string& b, std::size_t at) {
                  for (std::size_t i = 5; i < 21; ++i) b[at + i] = 0;
                }),
      "021", "0 symbols");
  const auto scan = [](std::size_t offset, int value) {
    return jpeg_with("baseline_420.jpg", 0xda, [&](std::string& b, std::size_t at) { b[at + offset] = char(value); });
  };
  bad(scan(5, 9), "022", "a channel that is not there");
  bad(scan(7, 1), "022", "twice");
  bad(scan(6, 0x30), "022", "undefined table");
  bad(scan(4, 2), "022", "length");
  bad(scan(11, 5), "022", "coefficients");
  bad(jpeg_with("baseline_420.jpg", 0xdb, [](std::string& b, std::size_t at) { b[at + 4] = 0x24; }), "022",
      "quantisation");
  std::string scans = golden_bytes("grey.jpg");
  const std::size_t start = scans.find("\xff\xda");
  const std::string one = scans.substr(start, scans.size() - 2 - start);
  for (int i = 0; i < 2000; ++i) scans.insert(start, one);
  bad(scans, "026", "scans found > 100");
}
