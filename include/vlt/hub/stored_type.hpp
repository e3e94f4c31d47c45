#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vlt/base/dtype.hpp>
#include <vlt/base/policy.hpp>

namespace vlt::hub {

// How the numbers of a tensor lie in a safetensors file, little endian.
enum class StoredType : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

struct StoredTypeFacts {
  std::string_view name;
  int bytes;
  bool real;  // a weight can be made of it
};
inline constexpr std::array<StoredTypeFacts, 13> stored_types{{{"F64", 8, true},
                                                               {"F32", 4, true},
                                                               {"F16", 2, true},
                                                               {"BF16", 2, true},
                                                               {"I64", 8, false},
                                                               {"I32", 4, false},
                                                               {"I16", 2, false},
                                                               {"I8", 1, false},
                                                               {"U64", 8, false},
                                                               {"U32", 4, false},
                                                               {"U16", 2, false},
                                                               {"U8", 1, false},
                                                               {"BOOL", 1, false}}};
constexpr const StoredTypeFacts& facts(StoredType t) { return stored_types[std::size_t(t)]; }

inline std::optional<StoredType> stored_type_named(std::string_view name) {
  for (std::size_t i = 0; i < stored_types.size(); ++i)
    if (stored_types[i].name == name) return StoredType(i);
  return std::nullopt;
}

// The smaller real type that holds the numbers of both.
constexpr StoredType holds_both(StoredType a, StoredType b) {
  return a == b ? a : a == StoredType::f64 || b == StoredType::f64 ? StoredType::f64 : StoredType::f32;
}

// What a precision's compute copy is stored as.
constexpr StoredType stored_type(Precision p) {
  return p == Precision::f64   ? StoredType::f64
         : p == Precision::f32 ? StoredType::f32
         : p == Precision::f16 ? StoredType::f16
                               : StoredType::bf16;
}
// The same type in the words of a config.json.
constexpr const char* torch_name(StoredType t) {
  return t == StoredType::f64   ? "float64"
         : t == StoredType::f32 ? "float32"
         : t == StoredType::f16 ? "float16"
                                : "bfloat16";
}

namespace stored {

template <class Raw, class Convert> void each(const void* from, std::span<float> to, Convert convert) {
  const auto* bytes = static_cast<const char*>(from);
  for (std::size_t i = 0; i < to.size(); ++i) {
    Raw raw;
    std::memcpy(&raw, bytes + i * sizeof raw, sizeof raw);
    to[i] = convert(raw);
  }
}
template <class Raw, class Convert> void each(std::span<const float> from, void* to, Convert convert) {
  auto* bytes = static_cast<char*>(to);
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Raw raw = convert(from[i]);
    std::memcpy(bytes + i * sizeof raw, &raw, sizeof raw);
  }
}

}  // namespace stored

// Stored bytes to floats; the type must be real.
inline void to_floats(StoredType type, const void* from, std::span<float> to) {
  switch (type) {
    case StoredType::f64:
      return stored::each<double>(from, to, [](double v) { return float(v); });
    case StoredType::f32:
      std::memcpy(to.data(), from, to.size_bytes());
      return;
    case StoredType::f16:
      return stored::each<std::uint16_t>(from, to, half_to_float);
    default:
      return stored::each<std::uint16_t>(from, to, [](std::uint16_t v) { return std::bit_cast<float>(v << 16); });
  }
}
// Floats to stored bytes, rounded to nearest; the type must be real.
inline void from_floats(StoredType type, std::span<const float> from, void* to) {
  switch (type) {
    case StoredType::f64:
      return stored::each<double>(from, to, [](float v) { return double(v); });
    case StoredType::f32:
      std::memcpy(to, from.data(), from.size_bytes());
      return;
    case StoredType::f16:
      return stored::each<std::uint16_t>(from, to, float_to_half);
    default:
      return stored::each<std::uint16_t>(from, to, [](float v) { return bf16(v).bits; });
  }
}

}  // namespace vlt::hub
