#pragma once
#include <string>
#include <string_view>
#include <vlt/base/utf8.hpp>
#include <vlt/data/png_encoder.hpp>

namespace vlt {

// Somebody's text inside a page: nothing in it is markup, and line breaks and tabs are its only controls.
inline std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : utf8::repaired(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (c == '\'') out += "&#39;";
    else if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F) out += "\xEF\xBF\xBD";
    else out += c;
  }
  return out;
}

// RFC 4648, with padding.
inline std::string base64(std::string_view bytes) {
  static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k)
      three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? letters[three >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

// A picture that lies inside the page itself.
inline std::string inline_picture(const Image& image, std::string_view name) {
  return "<img alt=\"" + html_text(name) + "\" width=\"" + std::to_string(image.width) + "\" height=\"" +
         std::to_string(image.height) + "\" src=\"data:image/png;base64," + base64(encode_png(image)) + "\">";
}

// An element with content that is markup already.
inline std::string html_element(std::string_view name, std::string_view attributes, std::string_view content) {
  std::string out = "<" + std::string(name);
  if (!attributes.empty()) out += " " + std::string(attributes);
  return out + ">" + std::string(content) + "</" + std::string(name) + ">";
}

}  // namespace vlt
