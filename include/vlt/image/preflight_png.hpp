#pragma once
#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <string_view>
#include <vlt/image/image_limits.hpp>

namespace vlt::image::png {

inline constexpr std::string_view signature = "\x89PNG\r\n\x1a\n";

// CRC-32 of PNG and zlib, eight bytes at a time ("slicing by 8").
class Crc {
 public:
  Crc() {
    auto& first = table_.front();
    std::iota(first.begin(), first.end(), 0u);
    for (std::uint32_t& c : first)
      for (int k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
    for (auto before = table_.begin(), to = std::next(before); to != table_.end(); before = to++)
      std::ranges::transform(*before, to->begin(), [&](std::uint32_t c) { return first[c & 255] ^ c >> 8; });
  }
  std::uint32_t operator()(std::string_view bytes) const {
    std::uint32_t c = 0xffffffffu;
    const auto at = [&](std::size_t i) { return std::uint32_t(static_cast<unsigned char>(bytes[i])); };
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
      const std::uint32_t low = c ^ (at(i) | at(i + 1) << 8 | at(i + 2) << 16 | at(i + 3) << 24);
      c = table_[7][low & 255] ^ table_[6][low >> 8 & 255] ^ table_[5][low >> 16 & 255] ^ table_[4][low >> 24] ^
          table_[3][at(i + 4)] ^ table_[2][at(i + 5)] ^ table_[1][at(i + 6)] ^ table_[0][at(i + 7)];
    }
    for (; i < bytes.size(); ++i) c = table_[0][(c ^ at(i)) & 255] ^ c >> 8;
    return c ^ 0xffffffffu;
  }

 private:
  std::array<std::array<std::uint32_t, 256>, 8> table_;
};
inline std::uint32_t crc(std::string_view bytes) {
  static const Crc table;
  return table(bytes);
}

inline std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return std::uint32_t(static_cast<unsigned char>(bytes[at + i])); };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

// Walks the chunks of a PNG (ISO 15948): everything a decoder relies on without inflating a byte.
class Walk {
 public:
  Walk(std::string_view bytes, const ImageLimits& limits, const ImageFault& fault)
      : bytes_(bytes), limits_(limits), fault_(fault) {}

  ImageHeader operator()() {
    std::size_t at = signature.size();
    for (int chunks = 0;; ++chunks) {
      if (chunks >= limits_.png_chunks)
        fault_.at(at, "025", "the PNG has too many chunks", "at most " + std::to_string(limits_.png_chunks), "more",
                  "save it anew, or raise --limit_png_chunks");
      if (bytes_.size() - at < 12) truncated();
      const std::uint64_t length = big_endian(bytes_, at);
      const std::string_view type = bytes_.substr(at + 4, 4);
      check_type(type, at, chunks == 0);
      if (length > bytes_.size() - at - 12) truncated();
      const std::string_view data = bytes_.substr(at + 8, length);
      if (crc(bytes_.substr(at + 4, length + 4)) != big_endian(bytes_, at + 8 + length))
        fault_.at(at, "008", "PNG chunk " + std::string(type) + " has a wrong checksum", "its CRC-32", "damaged bytes");
      visit(type, data, at);
      at += 12 + length;
      if (type == "IEND") break;
    }
    if (!data_seen_) fault_.at(at, "010", "the PNG has no image data: truncated", "an IDAT chunk", "IEND");
    return header_;
  }

 private:
  std::string_view bytes_;
  const ImageLimits& limits_;
  const ImageFault& fault_;
  ImageHeader header_;
  int colour_ = 0, depth_ = 0;
  bool palette_seen_ = false, data_seen_ = false, data_over_ = false;
  std::uint64_t data_bytes_ = 0;

  [[noreturn]] void truncated() const {
    fault_.at(bytes_.size(), "006", "the PNG is truncated at byte " + std::to_string(bytes_.size()), "an IEND chunk",
              "the end of the file");
  }
  void check_type(std::string_view type, std::size_t at, bool first) const {
    if (type == "CgBI") fault_.at(at, "017", "the PNG is Apple's CgBI variant", "a standard PNG", "chunk CgBI");
    for (const char c : type)
      if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
        fault_.at(at, "009", "a PNG chunk has no valid name", "four letters", quoted(std::string(type)));
    if (first != (type == "IHDR"))
      fault_.at(at, "009", first ? "the PNG does not begin with IHDR" : "the PNG has a second IHDR", "IHDR first, once",
                quoted(std::string(type)));
  }
  void visit(std::string_view type, std::string_view data, std::size_t at) {
    if (data_seen_ && type != "IDAT") data_over_ = true;
    if (type == "IHDR") return read_header(data, at);
    if (type == "PLTE") {
      if (data.empty() || data.size() % 3 != 0 || data.size() > 768 || palette_seen_ || data_seen_)
        fault_.at(at, "013", "the PNG's palette is wrong", "one PLTE chunk of 1 to 256 colours before the data",
                  std::to_string(data.size()) + " bytes");
      palette_seen_ = true;
    } else if (type == "IDAT") {
      if (data.empty()) fault_.at(at, "011", "the PNG has an IDAT chunk of length 0", "image data", "nothing");
      if (data_over_)
        fault_.at(at, "009", "the PNG's IDAT chunks are not consecutive", "one run of them", "another chunk between");
      if (colour_ == 3 && !palette_seen_)
        fault_.at(at, "013", "the PNG has no palette", "a PLTE chunk before IDAT", "none");
      data_seen_ = true, data_bytes_ += data.size();
      if (data_bytes_ > most_data())
        fault_.at(at, "016", "the PNG holds more data than w x h needs", "at most " + std::to_string(most_data()),
                  std::to_string(data_bytes_) + " bytes or more");
    } else if (type[0] < 'a' && type != "IEND") {
      fault_.at(at, "014", "the PNG needs an unknown extension", "IHDR, PLTE, IDAT, IEND",
                "critical chunk " + quoted(std::string(type)));
    }
  }
  // Compressed rows are hardly longer than rows; the rest is slack for filters, interlacing and poor compressors.
  std::uint64_t most_data() const {
    const std::int64_t row = (header_.width * header_.channels * depth_ + 7) / 8 + 1, all = row * header_.height;
    return std::uint64_t(all + all / 8) + 65536;
  }
  void read_header(std::string_view data, std::size_t at) {
    if (data.size() != 13) fault_.at(at, "009", "IHDR has a wrong length", "13", std::to_string(data.size()));
    header_.width = big_endian(data, 0), header_.height = big_endian(data, 4);
    check_sides(header_.width, header_.height, limits_, fault_);
    depth_ = static_cast<unsigned char>(data[8]), colour_ = static_cast<unsigned char>(data[9]);
    const bool byte_or_word = depth_ == 8 || depth_ == 16, bits = depth_ == 1 || depth_ == 2 || depth_ == 4;
    const bool ok = colour_ == 0   ? byte_or_word || bits
                    : colour_ == 3 ? depth_ == 8 || bits
                                   : (colour_ == 2 || colour_ == 4 || colour_ == 6) && byte_or_word;
    if (!ok || data[10] != 0 || data[11] != 0 || static_cast<unsigned char>(data[12]) > 1)
      fault_.at(at, "009", "IHDR names no valid kind of PNG", "a kind that the standard lists",
                "colour type " + std::to_string(colour_) + ", " + std::to_string(depth_) + " bits");
    header_.format = ImageFormat::png;
    header_.channels = colour_ == 0 || colour_ == 3 ? 1 : colour_ == 2 ? 3 : colour_ == 4 ? 2 : 4;
  }
};

}  // namespace vlt::image::png
