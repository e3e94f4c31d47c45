#pragma once
#include <vlt/tensor/matrix.hpp>

namespace vlt {

// A matrix that products read again and again: row-major, or packed into panels for them. Whether it is packed is
// decided before planning, since it changes what a product needs; then `data` is null and nothing but a product can
// read it.
template <class T, Device D> struct Weight : Matrix<T, D> {
  bool packed = false;
  Address<const T, D> forward_panels = {};   // for x W^T
  Address<const T, D> backward_panels = {};  // for dy W
};

}  // namespace vlt
