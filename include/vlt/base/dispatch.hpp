#pragma once
#include <stdexcept>
#include <string>
#include <type_traits>

namespace vlt {

// The only bridge from a run-time number to a template argument: calls f(integral_constant<int, N>) for the N equal to
// value. The list is the compile-time budget, so it is written where it is paid.
template <int... Supported, class F> void dispatch_int(const char* what, int value, F&& f) {
  const bool found = ((value == Supported && (f(std::integral_constant<int, Supported>{}), true)) || ...);
  if (found) return;
  std::string list;
  ((list += (list.empty() ? "" : ", ") + std::to_string(Supported)), ...);
  throw std::invalid_argument(std::string(what) + " " + std::to_string(value) +
                              " is not compiled into this program (supported: " + list + ")");
}

}  // namespace vlt
