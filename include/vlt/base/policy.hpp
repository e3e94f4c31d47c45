#pragma once
#include <array>
#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vlt/base/config.hpp>
#include <vlt/base/dtype.hpp>

namespace vlt {

// Where data lives and which instructions work on it. The instruction set is part of every type that computes, so two
// translation units compiled with different flags never share a symbol. `cpu` is the best one of this translation unit.
enum class Device : std::uint8_t { portable, avx2, avx512, avx512_bf16, cuda, cpu = VLT_HOST_ISA };
constexpr bool on_host(Device d) { return d != Device::cuda; }
// Where the host holds what goes to a device and what comes back.
constexpr Device host_of(Device d) { return on_host(d) ? d : Device::cpu; }
// Do both read and write the same memory? All instruction sets of the host do.
constexpr bool same_memory(Device a, Device b) { return a == b || (on_host(a) && on_host(b)); }

// Code that works on memory of the host, a loop over elements above all, says `static_assert(host_code<D>::ok)`.
template <Device D> struct host_code {
  static_assert(on_host(D),
                "vlt: this code works on memory of the host; for Device::cuda it needs the CUDA backend, which this "
                "build does not have");
  static constexpr bool ok = true;
};
constexpr const char* name(Device d) {
  constexpr const char* names[] = {"portable", "AVX2", "AVX-512", "AVX-512 BF16", "CUDA"};
  return names[std::size_t(d)];
}
// The instruction set of this translation unit: part of the function's own name, as of everything that differs by it.
template <Device D = Device::cpu> constexpr const char* instruction_set() { return name(D); }

// Names are those of options and of CMake's lists.
enum class Precision : std::uint8_t { f64, f32, bf16, f16 };
inline constexpr std::array precisions{Precision::f64, Precision::f32, Precision::bf16, Precision::f16};
constexpr const char* name(Precision p) {
  constexpr const char* names[] = {"fp64", "fp32", "bf16", "fp16"};
  return names[std::size_t(p)];
}

// frozen:    no gradient, nothing kept for one, dx passes through.
// adapted:   the base is frozen; each linear layer may carry a rank-r adapter, chosen at run time.
// trainable: each parameter may have a gradient and each linear layer an adapter, both chosen at run time.
enum class Tuning : std::uint8_t { frozen, adapted, trainable };
inline constexpr std::array tunings{Tuning::frozen, Tuning::adapted,
                                    Tuning::trainable};  // each can do what precedes it
constexpr const char* name(Tuning t) {
  constexpr const char* names[] = {"frozen", "adapted", "trainable"};
  return names[std::size_t(t)];
}

// The one of `all` that has this name. There must be one: a constant expression does not compile otherwise.
constexpr auto named(const auto& all, std::string_view text) {
  for (const auto value : all)
    if (text == name(value)) return value;
  throw std::invalid_argument("nothing has this name");
}

// The narrowest tuning whose types can do what was asked: some base weight trains, some layer has an adapter.
constexpr Tuning narrowest_tuning(bool any_trains, bool any_adapter) {
  return any_trains ? Tuning::trainable : any_adapter ? Tuning::adapted : Tuning::frozen;
}

// Five roles a number can have; a precision fixes a type for each.
template <class Operand, class Wide> struct Roles {
  using operand = Operand;  // what a GEMM reads: weights and activations
  using stream = Wide;      // the residual stream between blocks
  using accum = Wide;       // sums, norm statistics
  using grad = Wide;        // gradients of parameters
  using master = Wide;      // what the optimiser updates
};
template <Precision> struct roles_of;
template <> struct roles_of<Precision::f64> : Roles<double, double> {};
template <> struct roles_of<Precision::f32> : Roles<float, float> {};
template <> struct roles_of<Precision::bf16> : Roles<bf16, float> {};
template <> struct roles_of<Precision::f16> : Roles<f16, float> {};

// Everything a layer must know at compile time that is not its own shape. Enumerators only: equal policies are one
// type.
template <Device D = Device::cpu, Precision F = Precision::f32, Tuning T = Tuning::trainable>
struct Policy : roles_of<F> {
  static constexpr Device device = D;
  static constexpr Precision precision = F;
  static constexpr Tuning tuning = T;
  using frozen = Policy<D, F, Tuning::frozen>;
  using adapted = Policy<D, F, Tuning::adapted>;
  using trainable = Policy<D, F, Tuning::trainable>;
};

template <class P> concept IsPolicy = requires {
  { P::device } -> std::convertible_to<Device>;
  { P::precision } -> std::convertible_to<Precision>;
  { P::tuning } -> std::convertible_to<Tuning>;
};

}  // namespace vlt
