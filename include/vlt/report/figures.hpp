#pragma once
#include <cmath>
#include <cstdio>
#include <iterator>
#include <string>

// Figures as people read them.
namespace vlt::report {

// 1:02:03, 4:05 or 0:07: hours are left out where there are none.
inline std::string shown_duration(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::fmax(0, seconds)));
  char text[48];
  if (whole >= 3600) std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  else std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  return text;
}

// 1234567 as 1.23 M: three significant digits for a person.
inline std::string shown_count(double count) {
  static constexpr const char* units[] = {"", " k", " M", " G", " T"};
  std::size_t unit = 0;
  for (; count >= 999.5 && unit + 1 < std::size(units); ++unit) count /= 1000;
  char text[32];
  const bool whole = unit == 0 && count == std::floor(count);
  std::snprintf(text, sizeof text, "%.*f%s", whole || count >= 99.95 ? 0 : count >= 9.995 ? 1 : 2, count, units[unit]);
  return text;
}

// A value as an axis shows it: 0.25, 2e-5, 12.5 k.
inline std::string shown_value(double value) {
  if (value != 0 && std::fabs(value) < 1e-3) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", value);
    std::string s = text;
    if (const std::size_t zero = s.find("e-0"); zero != s.npos) s.erase(zero + 2, 1);
    return s;
  }
  static constexpr const char* units[] = {"", " k", " M", " G", " T"};
  std::size_t unit = 0;
  for (; std::fabs(value) >= 10000 && unit + 1 < std::size(units); ++unit) value /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, "%.4g%s", value, units[unit]);
  return text;
}

}  // namespace vlt::report
