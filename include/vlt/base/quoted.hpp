#pragma once
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>
#include <vlt/base/utf8.hpp>

namespace vlt {

// Can this character change what a terminal shows around it? Controls, and what reorders or hides a line.
inline bool disturbs_a_line(std::uint32_t code) {
  const auto within = [&](std::uint32_t first, std::uint32_t last) { return first <= code && code <= last; };
  return code < 0x20 || within(0x7F, 0x9F) || code == 0x061C || within(0x200B, 0x200F) || within(0x2028, 0x202E) ||
         within(0x2060, 0x206F) || code == 0xFEFF || within(0xFFF9, 0xFFFB) || within(0xE0000, 0xE007F);
}

// The character at i of somebody else's text, as a terminal may see it: itself, or an escape (\x1b, \u{202e}) if it
// would disturb the line or is not UTF-8. Moves i behind it.
inline std::string harmless_character(std::string_view text, std::size_t& i) {
  char escape[16];
  if (utf8::valid_length(text, i) < 0) {
    std::snprintf(escape, sizeof escape, "\\x%02x", unsigned(static_cast<unsigned char>(text[i++])));
    return escape;
  }
  const utf8::Character c = utf8::at(text, i);
  i += c.length;
  if (!disturbs_a_line(c.code)) return std::string(text.substr(i - c.length, c.length));
  std::snprintf(escape, sizeof escape, c.code < 0x80 ? "\\x%02x" : "\\u{%x}", unsigned(c.code));
  return escape;
}

// A whole text made harmless for one line.
inline std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) out += harmless_character(text, i);
  return out;
}

// A piece of somebody else's text for a message: in double quotes, at most `limit` bytes of it, and nothing that a
// terminal would obey.
inline std::string quoted(std::string_view text, std::size_t limit = 80) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    if (i >= limit) return out + "...\"";
    if (text[i] == '"' || text[i] == '\\') out += '\\';
    out += harmless_character(text, i);
  }
  return out + "\"";
}

// Strings find std::quoted by their namespace as well (<filesystem> brings it in): these are the better match.
inline std::string quoted(const std::string& text, std::size_t limit = 80) {
  return quoted(std::string_view(text), limit);
}
inline std::string quoted(std::string& text, std::size_t limit = 80) { return quoted(std::string_view(text), limit); }
// Views of other libraries convert to both.
template <class Text>
requires(!std::is_same_v<Text, std::string> && std::is_convertible_v<const Text&, std::string_view>) std::string
    quoted(const Text& text, std::size_t limit = 80) {
  return quoted(std::string_view(text), limit);
}

}  // namespace vlt
