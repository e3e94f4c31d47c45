#pragma once
#include <cstdio>
#include <string>
#include <string_view>

namespace vlt {

// A piece of somebody else's text for a message: in double quotes, at most `limit` bytes of it, and nothing that a
// terminal would obey. Bytes outside printable ASCII and well-placed UTF-8 lead and tail bytes are written as \xNN.
inline std::string quoted(std::string_view text, std::size_t limit = 80) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto sequence = [&](std::size_t i) -> std::size_t {  // length of the printable character at i, or 0
    const unsigned b = byte(i);
    if (b < 0x80) return b >= 0x20 && b != 0x7f;
    const std::size_t n = b >= 0xc2 && b < 0xe0 ? 2 : b >= 0xe0 && b < 0xf0 ? 3 : b >= 0xf0 && b < 0xf5 ? 4 : 0;
    for (std::size_t k = 1; k < n; ++k)
      if ((byte(i + k) & 0xc0) != 0x80) return 0;
    return n == 2 && b == 0xc2 && byte(i + 1) < 0xa0 ? 0 : n;  // U+0080 to U+009F are control characters
  };
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    if (i >= limit) return out + "...\"";
    const std::size_t n = sequence(i);
    if (n > 0) {
      if (text[i] == '"' || text[i] == '\\') out += '\\';
      out += text.substr(i, n);
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte(i));
      out += escaped;
    }
    i += n > 0 ? n : 1;
  }
  return out + "\"";
}

}  // namespace vlt
