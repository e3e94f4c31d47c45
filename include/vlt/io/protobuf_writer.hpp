#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vlt/base/utf8.hpp>

namespace vlt {

// The lowest `bytes` bytes of a number, the least significant first.
inline std::string little_endian(std::uint64_t value, std::size_t bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes; ++i) out += char((value >> (8 * i)) & 0xFF);
  return out;
}

// The bytes of one protobuf message, field by field in the order of the calls (Protocol Buffers, encoding). A message
// inside is the bytes of another writer.
class ProtobufWriter {
 public:
  ProtobufWriter& varint(int field, std::uint64_t value) { return tag(field, 0).raw_varint(value); }
  ProtobufWriter& real(int field, double value) {
    tag(field, 1).bytes_ += little_endian(std::bit_cast<std::uint64_t>(value), 8);
    return *this;
  }
  ProtobufWriter& real(int field, float value) {
    tag(field, 5).bytes_ += little_endian(std::bit_cast<std::uint32_t>(value), 4);
    return *this;
  }
  ProtobufWriter& bytes(int field, std::string_view value) {
    tag(field, 2).raw_varint(value.size()).bytes_ += value;
    return *this;
  }
  // Readers refuse a whole message for a text that is not UTF-8: such bytes are repaired.
  ProtobufWriter& text(int field, std::string_view value) { return bytes(field, utf8::repaired(value)); }
  ProtobufWriter& message(int field, const ProtobufWriter& inner) { return bytes(field, inner.bytes_); }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;

  ProtobufWriter& tag(int field, unsigned wire) { return raw_varint(std::uint64_t(field) << 3 | wire); }
  ProtobufWriter& raw_varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += char((value & 0x7F) | 0x80);
    bytes_ += char(value);
    return *this;
  }
};

}  // namespace vlt
