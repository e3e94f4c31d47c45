#pragma once
#include <cstdint>
#include <string>

namespace vlt::test {

// A safetensors file by hand: the length of the header, the header, the data.
inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += char(header.size() >> (8 * i) & 0xff);
  return out + header + data;
}

}  // namespace vlt::test
