#pragma once
#include <array>

namespace vlt {

// Whom a parameter belongs to: Registry::component counts in this order. Embedding and head are the decoder's.
enum class ComponentKind : int { vision, projector, language };
inline constexpr std::array<const char*, 3> component_names{"vision", "projector", "language"};

}  // namespace vlt
