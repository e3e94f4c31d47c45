// The chunks of a PNG, and every fault with its place.
#include <unit/image/preflight_checks.hpp>

using namespace vlt;
using namespace vlt::test;
using namespace std::string_literals;

TEST_CASE("the checksum of a PNG's chunks is CRC-32") {
  CHECK(image::png::crc("123456789") == 0xcbf43926);  // its usual check value
  CHECK(image::png::crc(std::string(32, '\xff')) == 0xff6cab0b);
  CHECK(image::png::crc("") == 0);
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

TEST_CASE("every fault of a PNG has its place") {
  const std::string head = header(2, 2), data = idat();
  const std::size_t second = 8 + head.size();  // where the chunk behind IHDR begins
  std::string broken = png_file(head + data + end());
  broken[second + 9] ^= 1;
  bad_at(second, broken, "008", "IDAT");
  bad_at(second + 12, png_file(head + end()), "010");
  bad_at(second, png_file(head + chunk("IDAT", "")), "011");
  bad_at(8, png_file(chunk("CgBI", "1234")), "017");
  bad_at(8, png_file(data + end()), "009", "begin with IHDR");
  bad_at(second, png_file(head + head), "009", "second IHDR");
  bad_at(second + data.size() + 13, png_file(head + data + chunk("tEXt", "a") + data), "009", "consecutive");
  bad_at(second, png_file(head + chunk("ABCD", "a")), "014", "ABCD");
  for (const char* type : {"a1cd", "@bcd", "[bcd", "`bcd", "abc{"})
    bad_at(second, png_file(head + chunk(type, "a")), "009", "no valid name");
  CHECK(good(png_file(head + chunk("azAZ", "a") + data + end())).width == 2);
  bad_at(second, png_file(header(2, 2, 8, 3) + data), "013", "no palette");
  const auto palette = [](std::size_t bytes) { return chunk("PLTE", std::string(bytes, '\0')); };
  for (const std::size_t bytes : {0, 4, 771})
    bad_at(second, png_file(head + palette(bytes)), "013", "palette is wrong");
  for (const std::size_t bytes : {3, 768}) CHECK(good(png_file(head + palette(bytes) + data + end())).width == 2);
  bad_at(second + 15, png_file(head + palette(3) + palette(3)), "013", "palette is wrong");
  bad_at(second + data.size(), png_file(head + data + palette(3)), "013", "palette is wrong");
  bad_at(8, png_file(chunk("IHDR", std::string(12, '\1'))), "009", "wrong length");
  bad_at(8, png_file(header(2, 2, 3, 0)), "009", "no valid kind");
  image::ImageLimits limits;
  limits.png_chunks = 3;
  CHECK_NOTHROW(image::preflight(png_file(head + data + end()), "x", limits));
  limits.png_chunks = 2;
  refused([&] { image::preflight(png_file(head + data + end()), "x", limits); }, ExitCode::data, "DATA-IMAGE-025",
          "x @ byte " + std::to_string(second + data.size()) + " |", "at most 2 |");
}

TEST_CASE("a PNG is of a kind that the standard lists") {
  for (int colour = 0; colour < 8; ++colour)
    for (int depth = 0; depth < 18; ++depth) {
      CAPTURE(colour, depth);
      const bool bits = depth == 1 || depth == 2 || depth == 4, word = depth == 16;
      const bool listed = colour == 0   ? bits || word || depth == 8
                          : colour == 3 ? bits || depth == 8
                                        : (colour == 2 || colour == 4 || colour == 6) && (word || depth == 8);
      const std::string file =
          png_file(header(3, 2, depth, colour) + (colour == 3 ? chunk("PLTE", "abc") : "") + idat() + end());
      if (!listed) {
        bad(file, "009", std::to_string(depth) + " bits");
        continue;
      }
      const image::ImageHeader h = good(file);
      CHECK((h.width == 3 && h.height == 2 && h.format == image::ImageFormat::png));
      CHECK(h.channels == (colour == 6 ? 4 : colour == 4 ? 2 : colour == 2 ? 3 : 1));
    }
  CHECK(good(png_file(header(2, 2, 8, 2, 1) + idat() + end())).width == 2);
  bad(png_file(header(2, 2, 8, 2, 2)), "009");
  for (const std::string& methods : {"\1\0\0"s, "\0\1\0"s})
    bad(png_file(chunk("IHDR", word(2) + word(2) + "\x08\x02" + methods)), "009", "no valid kind");
}

TEST_CASE("a PNG holds no more data than its picture needs") {
  const auto data = [](std::size_t bytes) { return chunk("IDAT", std::string(bytes, '\0')); };
  const struct {
    std::string header;
    std::size_t most;
  } cases[] = {{header(2, 2), 14 + 1 + 65536},
               {header(1000, 100), 300100 + 37512 + 65536},
               {header(1001, 100, 1, 0), 12700 + 1587 + 65536},
               {header(10, 800, 16, 6), 64800 + 8100 + 65536}};
  for (const auto& [head, most] : cases) {
    CHECK_NOTHROW(good(png_file(head + data(most) + end())));
    CHECK_NOTHROW(good(png_file(head + data(most - 10) + data(10) + end())));
    bad_at(33, png_file(head + data(most + 1) + end()), "016", "at most " + std::to_string(most) + " |",
           std::to_string(most + 1) + " bytes");
    bad(png_file(head + data(most) + data(1) + end()), "016", std::to_string(most + 1) + " bytes");
  }
}
