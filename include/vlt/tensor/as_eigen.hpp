#pragma once
#include <type_traits>
#include <vlt/base/dtype.hpp>
#include <vlt/base/eigen.hpp>
#include <vlt/tensor/matrix.hpp>

namespace vlt {

// How far apart consecutive rows are, for Eigen. A type of its own for each device: it is a template argument of all
// that Eigen instantiates for expressions over our matrices, so that the instruction set stands in the names of those
// functions as it does in ours (docs/decisions/0001, 0008).
template <Device D> struct RowStride : Eigen::OuterStride<Eigen::Dynamic> {
  using Eigen::OuterStride<Eigen::Dynamic>::OuterStride;
};

// A row-major matrix of Eigen over memory of ours.
template <class T, Device D>
using EigenMap = Eigen::Map<
    std::conditional_t<std::is_const_v<T>,
                       const Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>,
                       Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>,
    Eigen::Unaligned, RowStride<D>>;

// A matrix (or tokens) of the host to be read and written in expressions of Eigen. Elements are touched inside
// Scope::run only; products are better left to ops::gemm, as those of Eigen allocate and are on nobody's account.
template <class T, Device D> EigenMap<T, D> as_eigen(Matrix<T, D> m) {
  static_assert(host_code<D>::ok);
  static_assert(!SixteenBits<std::remove_const_t<T>>,
                "vlt: Eigen does not compute with bf16 or fp16; convert the matrix first: ops::as<float>(s, m)");
  return {m.data, m.rows, m.cols, RowStride<D>(m.stride)};
}

}  // namespace vlt
