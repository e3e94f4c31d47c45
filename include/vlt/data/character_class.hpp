#pragma once
#include <cstdint>
#include <memory>
#include <vlt/data/unicode_classes.hpp>

namespace vlt {

// What splitting needs to know of a character, one bit each.
enum CharacterClass : std::uint8_t { letter = 1, number = 2, blank = 4, word = 8, numeric = 16 };

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
    mark(unicode::letters, letter);
    mark(unicode::numbers, number);
    mark(unicode::spaces, blank);
    mark(unicode::word_characters, word);
    mark(unicode::numerics, numeric);
  }
  template <class Ranges> void mark(const Ranges& ranges, CharacterClass bit) {
    for (const auto& r : ranges)
      for (std::uint32_t c = r.first; c <= r.last; ++c) bits_[c] |= bit;
  }
};

}  // namespace vlt
