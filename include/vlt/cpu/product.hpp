#pragma once
#include <vlt/cpu/epilogue.hpp>
#include <vlt/cpu/pack.hpp>

namespace vlt::cpu {

// C (m, n) = A (m, k) B (k, n). B is read through `b`, or from panels that hold all of it (cpu/panels.hpp).
template <class T, class C> struct Product {
  Index m = 0, n = 0, k = 0;
  Source<T> a = {}, b = {};  // lanes of A are rows of C, lanes of B its columns
  const Packed<T>* panels = nullptr;
  Store<C> store = {};
};

// A product that is not worth waking a thread.
constexpr bool small_product(Index m, Index n, Index k) { return double(m) * double(n) * double(k) < 64 * 64 * 64; }

}  // namespace vlt::cpu
