#pragma once
#include <string_view>

namespace vlt::program {

// What a stable code means, and what mends it: said once, for `--explain` and docs/errors.md.
struct ErrorCode {
  std::string_view code, meaning, remedy;
};

}  // namespace vlt::program
