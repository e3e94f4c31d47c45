#pragma once
#include <vlt/cpu/functions.hpp>
#include <vlt/cpu/tile.hpp>

namespace vlt::cpu {

// What happens to sums on their way into C:  C = f(alpha sum + beta C + bias + residual). Null means "none".
template <class T, class C> struct Store {
  C* c = nullptr;
  Index c_stride = 0;
  float alpha = 1, beta = 0;
  const T* bias = nullptr;  // (cols)
  const C* residual = nullptr;
  Index residual_stride = 0;
  Activation activation = Activation::none;
};

// A contraction cut in blocks brings several sums for the same part of C. Until the last one what was gathered lies in
// float memory: in C itself, or in `partial` where C is 16 bits wide, so that C is rounded once.
struct Block {
  bool first = true, last = true;
  float* partial = nullptr;
  Index partial_stride = 0;
};

// One register of one row of C. `sum` is at column `col`.
template <Device D, class T, class C>
[[gnu::always_inline]] inline void store_register(const Store<T, C>& e, const Block& block, Floats<D> sum, Index row,
                                                  Index col, float* partial, auto count) {
  C* const c = e.c + row * e.c_stride + col;
  Floats<D> v = e.alpha * sum;
  if (block.first) {
    if (e.beta != 0) v += e.beta * load<D>(c, count);  // beta 0 never reads C: it may hold NaN
    if (e.bias) v += load<D>(e.bias + col, count);
    if (e.residual) v += load<D>(e.residual + row * e.residual_stride + col, count);
  } else {
    v += load<D>(partial, count);
  }
  if (!block.last) return store<D>(partial, v, count);
  if (e.activation != Activation::none) v = activate<D>(e.activation, v);
  store<D>(c, v, count);
}

// sums: (rows, Tile::cols) floats, for C at (row, col); `cols` of them exist in C.
template <Device D, class T, class C>
void store_tile(const Store<T, C>& e, const Block& block, const float* sums, Index row, Index rows, Index col,
                Index cols) {
  for (Index i = 0; i < rows; ++i, sums += Tile<D>::cols) {
    float* partial = nullptr;
    if constexpr (std::is_same_v<C, float>) partial = e.c + (row + i) * e.c_stride + col;
    else if (block.partial) partial = block.partial + i * block.partial_stride;
    if (cols == Tile<D>::cols) {
#pragma GCC unroll 4
      for (int j = 0; j < Tile<D>::cols; j += lanes<D>)
        store_register<D>(e, block, load<D>(sums + j), row + i, col + j, partial + j, Whole<D>{});
    } else {
      for_each_register<D>(cols, [&](Index j, auto count) {
        store_register<D>(e, block, load<D>(sums + j), row + i, col + j, partial + j, count);
      });
    }
  }
}

}  // namespace vlt::cpu
