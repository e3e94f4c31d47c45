#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace vlt {

// Whom a parameter belongs to, in the order in which features pass through a model. Embedding and head are the
// decoder's.
enum class ComponentKind : std::uint8_t { vision, projector, language };
inline constexpr std::array component_kinds{ComponentKind::vision, ComponentKind::projector, ComponentKind::language};

// A value for each component.
template <class T> struct PerComponent {
  std::array<T, component_kinds.size()> values{};
  constexpr T& operator[](ComponentKind k) { return values[std::size_t(k)]; }
  constexpr const T& operator[](ComponentKind k) const { return values[std::size_t(k)]; }
};

constexpr const char* name(ComponentKind k) {
  return PerComponent<const char*>{{"vision", "projector", "language"}}[k];
}

}  // namespace vlt
