#pragma once
#include <string>

namespace vlt {

// A text with its ASCII letters in lower case; other bytes, those of other alphabets among them, stay.
inline std::string ascii_lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  return text;
}

}  // namespace vlt
