#pragma once
#include <vlt/image/preflight_jpeg.hpp>
#include <vlt/image/preflight_png.hpp>

namespace vlt::image {

// The name of a well-known format that is not read here, by its first bytes; empty if it is none of them.
inline std::string foreign_image_format(std::string_view bytes) {
  const auto box = [&](std::string_view brand) {
    return bytes.size() >= 12 && bytes.substr(4, 8) == "ftyp" + std::string(brand);
  };
  if (bytes.starts_with("GIF8")) return "GIF";
  if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") return "WebP";
  if (bytes.starts_with("BM")) return "BMP";
  if (bytes.starts_with(std::string_view("II*\0", 4)) || bytes.starts_with(std::string_view("MM\0*", 4))) return "TIFF";
  if (box("avif") || box("avis")) return "AVIF";
  if (box("heic") || box("heix") || box("mif1") || box("msf1")) return "HEIC";
  if (bytes.starts_with("8BPS")) return "PSD";
  if (bytes.starts_with("#?RADIANCE") || bytes.starts_with("#?RGBE")) return "HDR";
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' &&
      std::string_view(" \t\r\n").find(bytes[2]) != std::string_view::npos)
    return "PNM";
  const std::string_view start = bytes.substr(0, 256);
  if (start.find("<svg") != start.npos) return "SVG";
  if (bytes.size() >= 18 && (bytes[1] == 0 || bytes[1] == 1)) {  // TGA has no signature: a plausible header must do
    const int kind = static_cast<unsigned char>(bytes[2]), depth = static_cast<unsigned char>(bytes[16]);
    const bool known = kind == 1 || kind == 2 || kind == 3 || kind == 9 || kind == 10 || kind == 11;
    if (known && (depth == 8 || depth == 15 || depth == 16 || depth == 24 || depth == 32)) return "TGA";
  }
  return {};
}

// Looks at a whole image file without decoding it: format by content, structure, sizes against limits. What passes is
// safe to give to a decoder. `name` is what messages call the file. Throws DATA-IMAGE-… (exit 3).
inline ImageHeader preflight(std::string_view bytes, const std::string& name, const ImageLimits& limits = {}) {
  const ImageFault fault{name};
  if (bytes.size() > limits.file_bytes)
    fault("002", "the image file is too large", "at most " + std::to_string(limits.file_bytes) + " bytes",
          std::to_string(bytes.size()), "make it smaller, or raise --limit_image_bytes");
  if (bytes.starts_with(png::signature)) return png::Walk(bytes, limits, fault)();
  if (bytes.starts_with("\xff\xd8\xff")) return jpeg::Walk(bytes, limits, fault)();
  if (const std::string format = foreign_image_format(bytes); !format.empty())
    fault("005", format + " images are not read", "PNG or JPEG", format, "convert to PNG or JPEG");
  std::string first;
  for (std::size_t i = 0; i < std::min<std::size_t>(8, bytes.size()); ++i) {
    char text[8];
    std::snprintf(text, sizeof text, "%s%02x", i ? " " : "", static_cast<unsigned char>(bytes[i]));
    first += text;
  }
  fault("001", "not a PNG or JPEG (first bytes " + (first.empty() ? "none: the file is empty" : first) + ")",
        "PNG or JPEG", std::to_string(bytes.size()) + " bytes");
}

}  // namespace vlt::image
