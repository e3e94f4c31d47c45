#pragma once
#include <vlt/ops/rows.hpp>

namespace vlt::ops {

// pixels: (images, 3 * size * size), channel first. patches: (images * (size/patch)^2, 3 * patch * patch): what a
// convolution with stride = kernel = patch sees, so that the patch embedding is one GEMM with the checkpoint's weight
// (width, 3 * patch * patch).
template <Device D, class X, class Y>
void patchify(Scope& s, Matrix<X, D> pixels, Matrix<Y, D> patches, Index size, Index patch) {
  const Index grid = size / patch, channels = patches.cols / (patch * patch);
  s.run("patchify", element_cost(patches, 0, 2), [&] {
    wide::for_each_row(s.threads(), patches.rows, patches.cols, [&](Index row) {
      const Index image = row / (grid * grid), cell = row % (grid * grid), top = cell / grid * patch,
                  left = cell % grid * patch;
      for (Index channel = 0; channel < channels; ++channel)
        for (Index y = 0; y < patch; ++y)
          copy_elements<D>(row_of(pixels, image) + (channel * size + top + y) * size + left,
                           row_of(patches, row) + (channel * patch + y) * patch, patch);
    });
  });
}

// y: (images * (1 + patches), width): a class token, then the patches; every row gets its learned position.
template <Device D, class T, class W, class Y>
void add_class_and_positions(Scope& s, Matrix<T, D> patches, Matrix<W, D> class_token, Matrix<W, D> position,
                             Matrix<Y, D> y) {
  const Index each = position.rows;
  s.run("add_class_and_positions", element_cost(y, 1, 2), [&] {
    wide::for_each_row(s.threads(), y.rows, y.cols, [&](Index row) {
      const Index image = row / each, i = row % each;
      if (i == 0) copy_elements<D>(row_of(class_token, 0), row_of(y, row), y.cols);
      else copy_elements<D>(row_of(patches, image * (each - 1) + i - 1), row_of(y, row), y.cols);
      add_elements<D>(row_of(position, i), row_of(y, row), y.cols);
    });
  });
}
// Any of the three gradients may be an empty view. Positions and class token accumulate; d_patches is overwritten.
template <Device D, class Y, class T, class G>
void add_class_and_positions_backward(Scope& s, Matrix<Y, D> dy, Matrix<T, D> d_patches, Matrix<G, D> d_class,
                                      Matrix<G, D> d_position, Index each) {
  s.run("add_class_and_positions_backward", element_cost(dy, 1, 2), [&] {
    s.threads().ranges(dy.cols, cpu::rounded_up(wide::grain / std::max<Index>(dy.rows, 1), 64),
                       [&](Index c, Index end) {
                         for (Index row = 0; row < dy.rows; ++row) {
                           const Index image = row / each, i = row % each, n = end - c;
                           const Y* const from = row_of(dy, row) + c;
                           if (i > 0 && d_patches.cols)
                             copy_elements<D>(from, row_of(d_patches, image * (each - 1) + i - 1) + c, n);
                           if (i == 0 && d_class.cols) add_elements<D>(from, row_of(d_class, 0) + c, n);
                           if (d_position.cols) add_elements<D>(from, row_of(d_position, i) + c, n);
                         }
                       });
  });
}

}  // namespace vlt::ops
