#pragma once
#include <algorithm>
#include <array>
#include <string_view>
#include <vector>
#include <vlt/image/image_limits.hpp>

namespace vlt::image::jpeg {

// Walks the segments of a JPEG (ITU T.81): frame, tables and scans are complete, consistent and few, and the end is
// there. What lies inside the entropy-coded data is the decoder's to judge.
class Walk {
 public:
  Walk(std::string_view bytes, const ImageLimits& limits, const ImageFault& fault)
      : bytes_(bytes), limits_(limits), fault_(fault) {}

  ImageHeader operator()() {
    for (;;) {
      const int marker = next_marker();
      if (marker == 0xd9) break;
      if (marker == 0xd8) fault_.at(at_ - 2, "029", "the JPEG has a second start", "one start", "a second one");
      if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7)) continue;  // no length
      const std::size_t length = word(at_);
      if (length < 2)
        fault_.at(at_, "029", "a JPEG segment is too short", "a length of 2 or more", std::to_string(length));
      if (length > bytes_.size() - at_) truncated();
      segment(marker, bytes_.substr(at_ + 2, length - 2));
      at_ += length;
      if (marker == 0xda) skip_entropy_coded();
    }
    if (scans_ == 0) fault_.at(at_, "019", "the JPEG has no image data: truncated", "a scan", "the end marker");
    return header_;
  }

 private:
  struct Component {
    int id, h, v, table;
  };

  std::string_view bytes_;
  const ImageLimits& limits_;
  const ImageFault& fault_;
  ImageHeader header_;
  std::size_t at_ = 2;  // behind SOI
  bool frame_seen_ = false, progressive_ = false;
  std::vector<Component> components_;
  std::array<bool, 4> quantisation_{}, dc_{}, ac_{};
  int scans_ = 0;

  [[noreturn]] void truncated() const {
    fault_.at(bytes_.size(), "019", "the JPEG is truncated at byte " + std::to_string(bytes_.size()), "an end marker",
              "the end of the file");
  }
  int byte(std::size_t at) const {
    if (at >= bytes_.size()) truncated();
    return static_cast<unsigned char>(bytes_[at]);
  }
  std::size_t word(std::size_t at) const { return std::size_t(byte(at)) << 8 | std::size_t(byte(at + 1)); }
  static int byte(std::string_view s, std::size_t at) { return static_cast<unsigned char>(s[at]); }

  int next_marker() {
    if (byte(at_) != 0xff)
      fault_.at(at_, "029", "a JPEG marker is missing", "byte 0xff", "byte " + std::to_string(byte(at_)));
    while (byte(at_) == 0xff) ++at_;  // any number of fill bytes
    const int marker = byte(at_++);
    if (marker == 0) fault_.at(at_ - 2, "029", "a JPEG marker is missing", "a marker", "a stuffed byte");
    return marker;
  }
  void segment(int marker, std::string_view data) {
    const std::size_t place = at_ - 2;
    switch (marker) {
      case 0xc0:
      case 0xc1:
      case 0xc2:
        return frame(marker, data, place);
      case 0xc3:
      case 0xc7:
        fault_.at(place, "024", "lossless JPEG is not supported", "baseline or progressive", "a lossless frame");
      case 0xc5:
      case 0xc6:
        fault_.at(place, "024", "hierarchical JPEG is not supported", "baseline or progressive",
                  "a hierarchical frame");
      case 0xc9:
      case 0xca:
      case 0xcb:
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        fault_.at(place, "024", "arithmetic coding in JPEG is not supported", "Huffman coding", "arithmetic coding");
      case 0xc4:
        return huffman(data, place);
      case 0xdb:
        return quantisation(data, place);
      case 0xda:
        return scan(data, place);
      case 0xdc:
        fault_.at(place, "023", "a JPEG whose height comes later (DNL) is not supported", "the height in the frame",
                  "a DNL segment");
      case 0xee:
        if (data.size() >= 12 && data.starts_with(std::string_view("Adobe", 6))) header_.adobe = byte(data, 11);
    }
  }
  void frame(int marker, std::string_view d, std::size_t place) {
    const auto wrong = [&](const char* what) {
      fault_.at(place, "029", std::string("the JPEG frame is wrong: ") + what, "one frame as T.81 has it",
                std::to_string(d.size()) + " bytes");
    };
    if (frame_seen_) wrong("there is a second one");
    if (d.size() < 6) wrong("too short");
    if (byte(d, 0) != 8)
      fault_.at(place, "024", "only 8-bit JPEG is supported", "8 bits", std::to_string(byte(d, 0)) + "-bit");
    header_.format = ImageFormat::jpeg;
    header_.height = byte(d, 1) << 8 | byte(d, 2), header_.width = byte(d, 3) << 8 | byte(d, 4);
    if (header_.height == 0)
      fault_.at(place, "023", "the JPEG has height 0: its height comes later (DNL), not supported",
                "a height of 1 or more", "0");
    check_sides(header_.width, header_.height, limits_, fault_);
    const int n = header_.channels = byte(d, 5);
    if (n != 1 && n != 3 && n != 4)
      fault_.at(place, "024", "a JPEG has 1, 3 or 4 channels", "1, 3 or 4", std::to_string(n));
    if (d.size() != 6 + 3 * std::size_t(n)) wrong("its length does not fit its channels");
    for (int i = 0; i < n; ++i) {
      const std::size_t k = 6 + 3 * std::size_t(i);
      const Component c{byte(d, k), byte(d, k + 1) >> 4, byte(d, k + 1) & 15, byte(d, k + 2)};
      if (c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4) wrong("a sampling factor outside 1 to 4");
      if (c.table > 3) wrong("a quantisation table outside 0 to 3");
      for (const Component& other : components_)
        if (other.id == c.id) wrong("a channel is named twice");
      components_.push_back(c);
    }
    const int across = std::ranges::max(components_, {}, &Component::h).h;
    const int down = std::ranges::max(components_, {}, &Component::v).v;
    for (const Component& c : components_)
      if (across % c.h != 0 || down % c.v != 0)
        fault_.at(place, "024", "a JPEG with fractional sampling is not supported",
                  "channels that are a whole number of times smaller than the picture",
                  std::to_string(c.h) + " x " + std::to_string(c.v) + " of " + std::to_string(across) + " x " +
                      std::to_string(down));
    frame_seen_ = true, progressive_ = marker == 0xc2;
  }
  void quantisation(std::string_view d, std::size_t place) {
    while (!d.empty()) {
      const int precision = byte(d, 0) >> 4, id = byte(d, 0) & 15;
      const std::size_t size = precision == 0 ? 65 : 129;
      if (precision > 1 || id > 3 || d.size() < size)
        fault_.at(place, "022", "a JPEG quantisation table is wrong", "8 or 16 bits, number 0 to 3, 64 entries",
                  "number " + std::to_string(id) + ", " + std::to_string(d.size()) + " bytes");
      quantisation_[std::size_t(id)] = true;
      d.remove_prefix(size);
    }
  }
  void huffman(std::string_view d, std::size_t place) {
    const auto wrong = [&](const std::string& what) {
      fault_.at(place, "021", "bad Huffman table: " + what, "a table as T.81 has it",
                std::to_string(d.size()) + " bytes");
    };
    while (!d.empty()) {
      if (d.size() < 17) wrong("it is cut");
      const int kind = byte(d, 0) >> 4, id = byte(d, 0) & 15;
      if (kind > 1 || id > 3) wrong("no such table");
      int symbols = 0, room = 1;  // codes of the current length that are still free
      for (std::size_t k = 1; k <= 16; ++k) {
        room = 2 * room - byte(d, k), symbols += byte(d, k);
        if (room < 0) wrong("more codes than there are");
      }
      if (symbols < 1 || symbols > 256) wrong(std::to_string(symbols) + " symbols");
      if (d.size() < 17 + std::size_t(symbols)) wrong("it is cut");
      for (std::size_t k = 0; k < std::size_t(symbols) && kind == 0; ++k)
        if (byte(d, 17 + k) > 11) wrong("a DC symbol above 11");
      (kind == 0 ? dc_ : ac_)[std::size_t(id)] = true;
      d.remove_prefix(17 + std::size_t(symbols));
    }
  }
  void scan(std::string_view d, std::size_t place) {
    const auto wrong = [&](const char* what) {
      fault_.at(place, "022", std::string("the JPEG scan is wrong: ") + what, "a scan as T.81 has it",
                std::to_string(d.size()) + " bytes");
    };
    if (!frame_seen_) wrong("it comes before the frame");
    if (++scans_ > limits_.jpeg_scans)
      fault_.at(place, "026", "the JPEG has too many scans", "at most " + std::to_string(limits_.jpeg_scans),
                "scans found > " + std::to_string(limits_.jpeg_scans), "save it anew, or raise --limit_jpeg_scans");
    if (d.empty()) wrong("it is empty");
    const std::size_t n = std::size_t(byte(d, 0));
    if (n < 1 || n > 4 || d.size() != 4 + 2 * n) wrong("its length does not fit its channels");
    const int first = byte(d, 1 + 2 * n), last = byte(d, 2 + 2 * n), high = byte(d, 3 + 2 * n) >> 4;
    if (progressive_ ? first > last || last > 63 || (first == 0) != (last == 0) || (first > 0 && n > 1)
                     : first != 0 || last != 63)
      wrong("impossible coefficients");
    int blocks = 0;
    std::array<bool, 256> named{};
    for (std::size_t i = 0; i < n; ++i) {
      const int id = byte(d, 1 + 2 * i), dc = byte(d, 2 + 2 * i) >> 4, ac = byte(d, 2 + 2 * i) & 15;
      const Component* c = nullptr;
      for (const Component& known : components_)
        if (known.id == id) c = &known;
      if (!c || named[std::size_t(id)]) wrong("a channel that is not there, or twice");
      named[std::size_t(id)] = true, blocks += c->h * c->v;
      if (!quantisation_[std::size_t(c->table)]) wrong("an undefined quantisation table");
      const bool reads_dc = progressive_ ? first == 0 && high == 0 : true, reads_ac = !progressive_ || first > 0;
      if (dc > 3 || ac > 3 || (reads_dc && !dc_[std::size_t(dc)]) || (reads_ac && !ac_[std::size_t(ac)]))
        fault_.at(place, "022", "bad Huffman table: a scan uses an undefined table", "a table of this file",
                  "tables " + std::to_string(dc) + " and " + std::to_string(ac));
    }
    if (n > 1 && blocks > 10) wrong("more than 10 blocks a unit");
  }
  // Up to the next marker that is neither a stuffed byte nor a restart.
  void skip_entropy_coded() {
    for (;;) {
      at_ = bytes_.find('\xff', at_);
      if (at_ == bytes_.npos || at_ + 1 >= bytes_.size()) truncated();
      const int marker = byte(at_ + 1);
      if (marker == 0xff) ++at_;
      else if (marker != 0 && (marker < 0xd0 || marker > 0xd7)) return;
      else at_ += 2;
    }
  }
};

}  // namespace vlt::image::jpeg
