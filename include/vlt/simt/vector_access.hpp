#pragma once
#include <vlt/simt/emulation.hpp>
#include <vlt/simt/number.hpp>

namespace vlt::simt {

#if VLT_ON_DEVICE
// The word that the device moves at once, whatever stands in it.
template <int Bytes> struct WordOf;
template <> struct WordOf<2> { using type = unsigned short; };
template <> struct WordOf<4> { using type = unsigned; };
template <> struct WordOf<8> { using type = uint2; };
template <> struct WordOf<16> { using type = uint4; };
#endif

// N numbers from `at` on, whose address is a multiple of their size together: one instruction.
template <class T, int N>
VLT_SIMT Vec<T, N> load(const T* at, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  Vec<T, N> v;
#if VLT_ON_DEVICE
  (void)file, (void)line;
  using Word = typename WordOf<sizeof(v)>::type;
  const Word word = *reinterpret_cast<const Word*>(at);
  memcpy(&v, &word, sizeof v);
#else
  emulation::touch(at, sizeof v, emulation::Access::read, {file, line, "load"});
  std::memcpy(static_cast<void*>(&v), at, sizeof v);
#endif
  return v;
}
template <class T, int N>
VLT_SIMT void store(T* at, const Vec<T, N>& v, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
#if VLT_ON_DEVICE
  (void)file, (void)line;
  using Word = typename WordOf<sizeof(v)>::type;
  Word word;
  memcpy(&word, &v, sizeof v);
  *reinterpret_cast<Word*>(at) = word;
#else
  emulation::touch(at, sizeof v, emulation::Access::write, {file, line, "store"});
  std::memcpy(static_cast<void*>(at), &v, sizeof v);
#endif
}

template <int Bytes> VLT_SIMT bool aligned(const void* at) { return reinterpret_cast<std::uintptr_t>(at) % Bytes == 0; }

// The same as floats, of which only the first `count` need be there: the others are `missing`. Where they all are and
// stand well, it is one instruction; the end of a row, and rows that begin anywhere, go number by number.
template <int N, class T> VLT_SIMT Vec<float, N> load_row(const T* at, int count, float missing = 0) {
  Vec<float, N> x;
  if (count >= N && aligned<sizeof(T) * N>(at)) {
    const Vec<T, N> v = load<T, N>(at);
    VLT_UNROLL
    for (int i = 0; i < N; ++i) x[i] = widen(v[i]);
  } else {
    VLT_UNROLL
    for (int i = 0; i < N; ++i) x[i] = i < count ? widen(at[i]) : missing;
  }
  return x;
}
// The same, each number times its weight.
template <int N, class T, class W> VLT_SIMT Vec<float, N> load_weighted_row(const T* at, const W* weights, int count) {
  auto x = load_row<N>(at, count);
  const auto weight = load_row<N>(weights, count);
  VLT_UNROLL
  for (int i = 0; i < N; ++i) x[i] *= weight[i];
  return x;
}
template <int N, class T> VLT_SIMT void store_row(T* at, const Vec<float, N>& x, int count) {
  if (count >= N && aligned<sizeof(T) * N>(at)) {
    Vec<T, N> v;
    VLT_UNROLL
    for (int i = 0; i < N; ++i) v[i] = narrow<T>(x[i]);
    store<T, N>(at, v);
  } else {
    VLT_UNROLL
    for (int i = 0; i < N; ++i)
      if (i < count) at[i] = narrow<T>(x[i]);
  }
}

// *at += value; returns what was there. The order in which threads come is open, so sums of floats that must not
// depend on it are not formed so.
template <class T>
VLT_SIMT T atomic_add(T* at, T value, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, int> || std::is_same_v<T, unsigned>);
#if VLT_ON_DEVICE
  (void)file, (void)line;
  return atomicAdd(at, value);
#else
  struct Sum {
    T value, before;
  } sum{value, T()};
  emulation::change_atomically(at, sizeof(T),
                               [](void* place, void* argument) {
                                 auto& s = *static_cast<Sum*>(argument);
                                 std::memcpy(&s.before, place, sizeof(T));
                                 const T after = T(s.before + s.value);
                                 std::memcpy(place, &after, sizeof(T));
                               },
                               &sum, {file, line, "atomic_add"});
  return sum.before;
#endif
}

}  // namespace vlt::simt
