#pragma once
#include <unit/image/pictures.hpp>
#include <unit/image/png_bytes.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/image/preflight.hpp>

// What a test says of an image file before it is decoded.
namespace vlt::test {

template <class... Words> void bad(const std::string& bytes, const char* number, const Words&... words) {
  refused([&] { image::preflight(bytes, "x.png"); }, ExitCode::data, std::string("DATA-IMAGE-") + number, words...);
}
// The same, and the byte of the file that is blamed.
template <class... Words>
void bad_at(std::size_t byte, const std::string& bytes, const char* number, const Words&... words) {
  bad(bytes, number, "x.png @ byte " + std::to_string(byte) + " |", words...);
}
inline image::ImageHeader good(const std::string& bytes) { return image::preflight(bytes, "x.png"); }
inline std::string idat(std::size_t bytes = 7) { return chunk("IDAT", stored(std::string(bytes, '\0'))); }

// The bytes of a JPEG with the first occurrence of a marker's segment changed.
template <class Change> std::string jpeg_with(const std::string& file, unsigned char marker, Change&& change) {
  std::string bytes = golden_bytes(file);
  const std::size_t at = bytes.find(std::string("\xff") + char(marker));
  REQUIRE(at != bytes.npos);
  change(bytes, at);
  return bytes;
}

}  // namespace vlt::test
