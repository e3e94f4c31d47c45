#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vlt/base/utf8.hpp>
#include <vlt/image/png_encoder.hpp>
#include <vlt/io/base64.hpp>

namespace vlt::report {

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

// An image of at most `side` pixels a side: whole squares of pixels become their mean.
inline image::Image shrunk(const image::Image& image, int side) {
  const int factor = (std::max(image.width, image.height) + side - 1) / side;
  if (factor <= 1) return image;
  image::Image small(std::max(1, image.width / factor), std::max(1, image.height / factor));
  for (int y = 0; y < small.height; ++y)
    for (int x = 0; x < small.width; ++x)
      for (int c = 0; c < image::Image::channels; ++c) {
        int sum = 0, count = 0;
        for (int v = y * factor; v < std::min((y + 1) * factor, image.height); ++v)
          for (int u = x * factor; u < std::min((x + 1) * factor, image.width); ++u, ++count)
            sum += image.row(v)[u * image::Image::channels + c];
        small.row(y)[x * image::Image::channels + c] = std::uint8_t((sum + count / 2) / count);
      }
  return small;
}

// A picture that lies inside the page itself, made small if it is large; a tiny one is shown with its pixels sharp.
inline std::string inline_picture(const image::Image& image, std::string_view name) {
  const image::Image shown = shrunk(image, 384);
  return "<img" + std::string(shown.width < 112 ? " class=\"tiny\"" : "") + " alt=\"" + html_text(name) +
         "\" width=\"" + std::to_string(shown.width) + "\" height=\"" + std::to_string(shown.height) +
         "\" src=\"data:image/png;base64," + base64(image::encode_png(shown)) + "\">";
}

// An element with content that is markup already.
inline std::string html_element(std::string_view name, std::string_view attributes, std::string_view content) {
  std::string out = "<" + std::string(name);
  if (!attributes.empty()) out += " " + std::string(attributes);
  return out + ">" + std::string(content) + "</" + std::string(name) + ">";
}

}  // namespace vlt::report
