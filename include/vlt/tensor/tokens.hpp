#pragma once
#include <type_traits>
#include <vlt/tensor/matrix.hpp>
#include <vlt/tensor/segments_view.hpp>

namespace vlt {

// Feature spaces: the one part of a shape that is known at compile time even when widths are not.
namespace space {
struct pixels {};  // one row per image
struct vision {};  // features of the vision tower
struct text {};    // the decoder's residual stream
}  // namespace space

// What flows between layers: rows of features in a named space, and the batch they belong to.
template <class Space, class T, Device D> struct Tokens : Matrix<T, D> {
  using space = Space;
  SegmentsView<D> segments;
};

// The batch that rows of M belong to; a plain matrix has none.
template <class M> struct segments_of { using type = SegmentsView<M::device>; };
template <class T, Device D> struct segments_of<Matrix<T, D>> {
  struct type {};
};
template <class M> using SegmentsOf = typename segments_of<M>::type;

template <IsPolicy P, class Space> using operand_t = Tokens<Space, typename P::operand, P::device>;
template <IsPolicy P, class Space> using stream_t = Tokens<Space, typename P::stream, P::device>;

// Where backward() puts the gradient of its input: a matrix to overwrite (beta 0) or to add to (beta 1) ...
template <class M> struct Grad {
  M m;
  double beta = 0;
};
template <class M> constexpr Grad<M> overwrite(M m) { return {m, 0}; }
template <class M> constexpr Grad<M> accumulate(M m) { return {m, 1}; }

// ... or nothing, when nobody upstream needs it: then the code that would compute it is not generated.
struct Discard {};
template <class Dx> inline constexpr bool wanted = !std::is_same_v<std::remove_cvref_t<Dx>, Discard>;

// The destination of a second contribution to the same gradient.
template <class M> constexpr Grad<M> then_accumulate(Grad<M> g) { return {g.m, 1}; }
constexpr Discard then_accumulate(Discard d) { return d; }

}  // namespace vlt
