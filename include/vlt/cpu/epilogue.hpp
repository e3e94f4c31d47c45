#pragma once
#include <vlt/cpu/functions.hpp>
#include <vlt/cpu/tile.hpp>

namespace vlt::cpu {

// What happens to sums on their way into C:  C = f(alpha sum + beta C + bias + residual). Null means "none".
template <class C> struct Store {
  C* c = nullptr;
  Index c_stride = 0;
  float alpha = 1, beta = 0;    // beta 0 never reads C: it may hold NaN
  const float* bias = nullptr;  // (cols)
  const C* residual = nullptr;  // may be c
  Index residual_stride = 0;
  Activation activation = Activation::none;
};

// One register of C, at `row` and `col`.
template <Device D, class C>
[[gnu::always_inline]] inline void store_register(const Store<C>& e, Floats<D> sum, Index row, Index col, auto count) {
  C* const c = e.c + row * e.c_stride + col;
  Floats<D> v = e.alpha * sum;
  if (e.beta != 0) v += e.beta * load<D>(c, count);
  if (e.bias) v += load<D>(e.bias + col, count);
  if (e.residual) v += load<D>(e.residual + row * e.residual_stride + col, count);
  if (e.activation != Activation::none) v = activate<D>(e.activation, v);
  store<D>(c, v, count);
}

// sums: (rows, Tile::cols) floats, for C at (row, col); `cols` of them exist in C, which is rounded once, here.
template <Device D, class C>
void store_tile(const Store<C>& e, const float* sums, Index row, Index rows, Index col, Index cols) {
  for (Index i = 0; i < rows; ++i, sums += Tile<D>::cols) {
    if (cols == Tile<D>::cols) {
#pragma GCC unroll 4
      for (int j = 0; j < Tile<D>::cols; j += lanes<D>)
        store_register<D>(e, load<D>(sums + j), row + i, col + j, Whole<D>{});
    } else {
      for_each_register<D>(
          cols, [&](Index j, auto count) { store_register<D>(e, load<D>(sums + j), row + i, col + j, count); });
    }
  }
}

}  // namespace vlt::cpu
