#pragma once
#include <cstdint>
#include <memory>
#include <vlt/text/unicode/unicode_classes.hpp>

namespace vlt::text {

// What splitting needs to know of a character, one bit each.
struct CharacterClass {
  static constexpr std::uint8_t letter = 1, number = 2, blank = 4, word = 8, numeric = 16;
};

// One byte of class bits for every code point, unpacked once from the generated ranges (1.1 MB, shared by the whole
// program and constant).
class CharacterClasses {
 public:
  static const CharacterClasses& table() {
    static const CharacterClasses t;
    return t;
  }
  std::uint8_t operator[](std::uint32_t code) const { return bits_[code]; }

 private:
  std::unique_ptr<std::uint8_t[]> bits_ = std::make_unique<std::uint8_t[]>(0x110000);

  CharacterClasses() {
    mark(unicode::letters, CharacterClass::letter);
    mark(unicode::numbers, CharacterClass::number);
    mark(unicode::spaces, CharacterClass::blank);
    mark(unicode::word_characters, CharacterClass::word);
    mark(unicode::numerics, CharacterClass::numeric);
  }
  template <class Ranges> void mark(const Ranges& ranges, std::uint8_t bit) {
    for (const auto& r : ranges)
      for (std::uint32_t c = r.first; c <= r.last; ++c) bits_[c] |= bit;
  }
};

}  // namespace vlt::text
