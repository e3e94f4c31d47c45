#pragma once
#include <cstdint>

namespace vlt {

// The nonlinear functions that a layer or a product's epilogue can apply, element by element.
enum class Activation : std::uint8_t { none, gelu, gelu_tanh, quick_gelu };

}  // namespace vlt
