#pragma once
#include <cstdio>
#include <iterator>
#include <string>

namespace vlt {

// A number of bytes as people read it: 512 B, 1.50 KiB, 12.34 GiB.
inline std::string shown_bytes(double bytes) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  for (; bytes >= 1023.995 && unit + 1 < std::size(units); ++unit) bytes /= 1024;  // 1023.995 would round to 1024.00
  char text[48];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.2f %s", bytes, units[unit]);
  return text;
}

}  // namespace vlt
