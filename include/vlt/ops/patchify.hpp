#pragma once
#include <vlt/ops/elementwise.hpp>

namespace vlt::ops {

// pixels: (images, 3 * size * size), channel first. patches: (images * (size/patch)^2, 3 * patch * patch): what a
// convolution with stride = kernel = patch sees, so that the patch embedding is one GEMM with the checkpoint's weight
// (width, 3 * patch * patch).
template <class X, class Y>
void patchify(Scope& s, CpuMatrix<X> pixels, CpuMatrix<Y> patches, Index size, Index patch) {
  const Index grid = size / patch;
  s.run("patchify", element_cost(patches, 0, 2), [&] {
    for_each_element(patches, [&](Index row, Index col) {
      const Index image = row / (grid * grid), cell = row % (grid * grid);
      const Index channel = col / (patch * patch), y = cell / grid * patch + col % (patch * patch) / patch,
                  x = cell % grid * patch + col % patch;
      patches(row, col) = Y(accum_t<X>(pixels(image, (channel * size + y) * size + x)));
    });
  });
}

// y: (images * (1 + patches), width): a class token, then the patches; every row gets its learned position.
template <class T, class W, class Y>
void add_class_and_positions(Scope& s, CpuMatrix<T> patches, CpuMatrix<W> class_token, CpuMatrix<W> position,
                             CpuMatrix<Y> y) {
  const Index each = position.rows;
  s.run("add_class_and_positions", element_cost(y, 1, 2), [&] {
    for_each_element(y, [&](Index row, Index c) {
      const Index image = row / each, i = row % each;
      const accum_t<Y> v = i == 0 ? accum_t<Y>(class_token(0, c)) : accum_t<Y>(patches(image * (each - 1) + i - 1, c));
      y(row, c) = Y(v + accum_t<Y>(position(i, c)));
    });
  });
}
// Any of the three gradients may be an empty view. Positions and class token accumulate; d_patches is overwritten.
template <class Y, class T, class G>
void add_class_and_positions_backward(Scope& s, CpuMatrix<Y> dy, CpuMatrix<T> d_patches, CpuMatrix<G> d_class,
                                      CpuMatrix<G> d_position, Index each) {
  s.run("add_class_and_positions_backward", element_cost(dy, 1, 2), [&] {
    for_each_element(dy, [&](Index row, Index c) {
      const Index image = row / each, i = row % each;
      if (i > 0 && d_patches.cols) d_patches(image * (each - 1) + i - 1, c) = T(accum_t<Y>(dy(row, c)));
      if (i == 0 && d_class.cols) d_class(0, c) += G(dy(row, c));
      if (d_position.cols) d_position(i, c) += G(dy(row, c));
    });
  });
}

}  // namespace vlt::ops
