#pragma once
#include <cstddef>
#include <string_view>

namespace vlt {

// A string that can be a template argument: names of parameters and layers live in types.
template <std::size_t N> struct fixed_string {
  char text[N]{};
  constexpr fixed_string(const char (&s)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = s[i];
  }
  constexpr std::string_view view() const { return {text, N - 1}; }
};

}  // namespace vlt
