#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vlt/text/tokenizer_fault.hpp>

namespace vlt::text {

// The fields of one protobuf message, one after another, read from bytes that may be anything: each complaint
// (MODEL-TOK-020) names the file and the byte. Fields that nobody asks for are passed over.
class ProtobufReader {
 public:
  // `offset`: where the bytes begin in the file, for complaints.
  ProtobufReader(std::string_view bytes, std::string file, std::size_t offset = 0)
      : bytes_(bytes), file_(std::move(file)), offset_(offset) {}

  // Steps to the next field; false behind the last one.
  bool next() {
    if (at_ == bytes_.size()) return false;
    const std::uint64_t tag = read_varint();
    field_ = std::uint32_t(tag >> 3);
    wire_ = Wire(tag & 7);
    if (tag >> 32 != 0 || field_ == 0) refuse("a field with an impossible number");
    start_ = at_;
    switch (wire_) {
      case Wire::varint:
        value_ = read_varint();
        break;
      case Wire::bytes:
        value_ = read_varint();
        start_ = at_;
        skip(value_);
        break;
      case Wire::fixed_32:
        skip(4);
        break;
      case Wire::fixed_64:
        skip(8);
        break;
      default:
        refuse("a field of an unknown kind");
    }
    return true;
  }
  std::uint32_t field() const { return field_; }

  // The value of the field, which must be of this kind.
  std::uint64_t varint() const { return expect(Wire::varint, "a number"), value_; }
  bool boolean() const { return varint() != 0; }
  std::string_view bytes() const { return expect(Wire::bytes, "bytes"), bytes_.substr(start_, value_); }
  float number() const {
    expect(Wire::fixed_32, "a 32-bit float");
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) bits |= std::uint32_t(std::uint8_t(bytes_[start_ + i])) << (8 * i);
    return std::bit_cast<float>(bits);
  }
  ProtobufReader message() const { return {bytes(), file_, offset_ + start_}; }
  // Where the field's value lies in the file.
  std::string place() const { return file_ + ": byte " + std::to_string(offset_ + start_); }

 private:
  enum class Wire { varint = 0, fixed_64 = 1, bytes = 2, fixed_32 = 5 };
  std::string_view bytes_;
  std::string file_;
  std::size_t offset_, at_ = 0, start_ = 0;
  std::uint32_t field_ = 0;
  Wire wire_ = Wire::varint;
  std::uint64_t value_ = 0;  // of a varint, or how many bytes

  [[noreturn]] void refuse(const char* what) const {
    refuse_tokenizer("TOK-020", "the file is damaged", file_ + ": byte " + std::to_string(offset_ + at_),
                     "a SentencePiece model", what);
  }
  void expect(Wire wire, const char* kind) const {
    if (wire_ != wire)
      refuse_tokenizer("TOK-020", "the file is damaged: a field is of another kind", place(), kind,
                       "wire type " + std::to_string(int(wire_)));
  }
  void skip(std::uint64_t count) {
    if (count > bytes_.size() - at_) refuse("a field goes beyond its end");
    at_ += std::size_t(count);
  }
  std::uint64_t read_varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) refuse("it ends within a number");
      const auto byte = std::uint8_t(bytes_[at_++]);
      value |= std::uint64_t(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    refuse("a number of more than 64 bits");
  }
};

}  // namespace vlt::text
