#include <vlt/image/png_encoder.hpp>

#include <catch2/catch.hpp>
#include <random>

namespace {

// Undoes the fixed Huffman code, straight from RFC 1951: bits one at a time, codes by their length.
class Inflater {
 public:
  explicit Inflater(std::string_view bytes) : bytes_(bytes) {}

  std::string operator()() {
    REQUIRE(bits(3) == 0b011);
    std::string out;
    for (unsigned s = symbol(); s != 256; s = symbol()) {
      if (s < 256) {
        out.push_back(char(s));
        continue;
      }
      const auto l = vlt::deflate::length_brackets[s - 257];
      const std::size_t length = l.first + bits(l.extra_bits);
      const auto d = vlt::deflate::distance_brackets[code(5)];
      const std::size_t distance = d.first + bits(d.extra_bits);
      REQUIRE(distance <= out.size());
      for (std::size_t k = 0; k < length; ++k) out.push_back(out[out.size() - distance]);
    }
    return out;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;  // in bits

  unsigned bits(int n) {
    unsigned value = 0;
    for (int i = 0; i < n; ++i, ++at_) value |= unsigned(bytes_[at_ / 8] >> (at_ % 8) & 1) << i;
    return value;
  }
  unsigned code(int n) {
    unsigned value = 0;
    for (int i = 0; i < n; ++i) value = value << 1 | bits(1);
    return value;
  }
  unsigned symbol() {
    unsigned c = code(7);
    if (c < 24) return 256 + c;
    c = c << 1 | bits(1);
    if (c >= 0x30 && c < 0xC0) return c - 0x30;
    if (c >= 0xC0 && c < 0xC8) return 280 + c - 0xC0;
    return 144 + (c << 1 | bits(1)) - 0x190;
  }
};

std::string inflated(const std::string& zlib) {
  REQUIRE(zlib.size() >= 6);
  return Inflater(std::string_view(zlib).substr(2))();
}

vlt::Image drawn(int width, int height, unsigned seed) {
  vlt::Image image(width, height);
  std::mt19937 random(seed);
  for (auto& p : image.pixels) p = std::uint8_t(seed % 3 == 0 ? random() : (&p - image.pixels.data()) / 7);
  return image;
}

// The predictor of the PNG standard, 9.4, once more.
int paeth(int a, int b, int c) {
  const int p = a + b - c, pa = std::abs(p - a), pb = std::abs(p - b), pc = std::abs(p - c);
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

// What a PNG reader does after inflating: every filter of the format.
std::vector<std::uint8_t> unfiltered(const std::string& rows, int width, int height) {
  const int bytes = width * 3;
  std::vector<std::uint8_t> out(std::size_t(bytes) * std::size_t(height));
  for (int y = 0; y < height; ++y)
    for (int i = 0; i < bytes; ++i) {
      const auto at = [&](int row, int column) {
        return row < 0 || column < 0 ? 0 : int(out[std::size_t(row) * std::size_t(bytes) + std::size_t(column)]);
      };
      const int left = at(y, i - 3), up = at(y - 1, i), corner = i < 3 ? 0 : at(y - 1, i - 3);
      const int filter = rows[std::size_t(y) * std::size_t(bytes + 1)];
      const int guess = filter == 0   ? 0
                        : filter == 1 ? left
                        : filter == 2 ? up
                        : filter == 3 ? (left + up) / 2
                                      : paeth(left, up, corner);
      const int value = rows[std::size_t(y) * std::size_t(bytes + 1) + std::size_t(i) + 1];
      out[std::size_t(y) * std::size_t(bytes) + std::size_t(i)] = std::uint8_t(value + guess);
    }
  return out;
}

}  // namespace

TEST_CASE("a zlib stream inflates to what was compressed", "[pages]") {
  std::mt19937 random(1);
  std::vector<std::string> texts{"", "a", "ab", "abcabcabcabcabc", std::string(100000, 'x')};
  for (int i = 0; i < 40; ++i) {
    std::string s;
    const unsigned letters = 1 + random() % 256;
    for (unsigned n = random() % 3000; n > 0; --n) s.push_back(char(random() % letters));
    if (i % 2) s += s.substr(s.size() / 3);
    texts.push_back(s);
  }
  std::string far(40000, '\0');  // a repetition beyond the window must not be used
  for (char& c : far) c = char(random());
  texts.push_back(far + far);
  for (const auto& s : texts) REQUIRE(inflated(vlt::zlib_compress(s)) == s);
  CHECK(vlt::zlib_compress(std::string(100000, 'x')).size() < 1000);
}

TEST_CASE("checksums are those of the standards", "[pages]") {
  CHECK(vlt::png::crc32("123456789") == 0xCBF43926u);
  CHECK(vlt::deflate::adler32("Wikipedia") == 0x11E60398u);
}

TEST_CASE("a PNG holds the pixels", "[pages]") {
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(1, 9), std::pair(13, 1), std::pair(33, 31)})
    for (unsigned seed = 0; seed < 4; ++seed) {
      const vlt::Image image = drawn(width, height, seed);
      const std::string png = vlt::encode_png(image);
      REQUIRE(png.substr(0, 8) == "\x89PNG\r\n\x1a\n");
      const std::size_t idat = png.find("IDAT"), end = png.find("IEND");
      REQUIRE(idat != png.npos);
      REQUIRE(end == png.size() - 8);
      const std::string rows = inflated(png.substr(idat + 4, end - 8 - idat - 4));
      REQUIRE(unfiltered(rows, width, height) == image.pixels);
    }
}
