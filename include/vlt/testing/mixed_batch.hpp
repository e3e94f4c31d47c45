#pragma once
#include <vlt/tensor/segments.hpp>

namespace vlt::testing {

// A packed batch in which layers that confuse rows, sequences, kinds or positions are caught: sequences of unequal
// length, images in the middle, at both ends, and none at all. 14 rows.
inline Segments mixed_batch() {
  using enum TokenKind;
  Segments s;
  s.append({text, text, image, image, text, text, text});
  s.append({image, text, text, image, text});
  s.append({text, text});
  return s;
}

}  // namespace vlt::testing
