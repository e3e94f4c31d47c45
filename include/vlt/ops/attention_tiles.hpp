#pragma once
#include <vlt/cpu/functions.hpp>
#include <vlt/cpu/pack.hpp>
#include <vlt/ops/attention_shape.hpp>
#include <vlt/ops/mask.hpp>
#include <vlt/tensor/matrix.hpp>

// What the two passes of tiled attention share. A tile has a block of queries as its lanes and keys (or the dimensions
// of a head) as its rows: S^T = K Q^T. So the softmax of a query is a sum over registers, never across one, and
// probabilities feed the next product as they are.
namespace vlt::ops::tiled {

using cpu::Unit;

// Cuts one piece of work memory into arrays; without memory it only counts bytes.
class Cutter {
 public:
  explicit Cutter(std::byte* base = nullptr) : base_(base) {}
  template <class T> T* cut(Index n) {
    const Index at = bytes_;
    bytes_ += cpu::rounded_up(n * Index(sizeof(T)), 64);
    return base_ ? reinterpret_cast<T*>(base_ + at) : nullptr;
  }
  Index bytes() const { return bytes_; }

 private:
  std::byte* base_;
  Index bytes_ = 0;
};

// The sizes of tiles for one call, for operands of type T.
template <Device D, class T> struct Sizes {
  static constexpr Index R = cpu::Tile<D>::rows, Q = cpu::Tile<D>::cols;  // rows of a tile; queries of a block
  static constexpr Index K = 96;                                          // keys of a block: a multiple of R and Q
  static_assert(K % R == 0 && K % Q == 0);
  static constexpr Index key_units = K / cpu::per_unit<T>, query_units = Q / cpu::per_unit<T>;

  Index dim, dim_rows, dim_units;  // of a head; as rows of tiles; as a contraction
  explicit Sizes(const AttentionShape<D>& a)
      : dim(a.head_dim), dim_rows(cpu::rounded_up(dim, R)), dim_units(cpu::units_of<T>(dim)) {}

  // Where the blocks of a key sequence begin if each sequence begins a block of its own, and how many blocks there are
  // at most.
  static Index first_block(const SegmentsView<D>& keys, Index sequence) { return keys.begin(sequence) / K + sequence; }
  static Index blocks(const SegmentsView<D>& keys) { return keys.rows() / K + keys.sequences(); }
  Index score_units() const { return K * dim_units; }               // one block as rows of S^T: (K / R) panels
  Index mix_units() const { return dim_rows * key_units; }          // one block as a contraction: (dim_rows / R) panels
  Index query_panel_units() const { return dim_units * Q; }         // a query block as lanes
  Index query_mix_units() const { return dim_rows * query_units; }  // a query block as a contraction
};

// Rows of one head, as a product reads them: rows as lanes, or the head's dimensions as lanes.
template <Device D, class T> cpu::Source<T> rows_as_lanes(Matrix<T, D> m, Index row, Index head, Index dim) {
  return {m.data + row * m.stride + head * dim, m.stride, 1};
}
template <Device D, class T> cpu::Source<T> dims_as_lanes(Matrix<T, D> m, Index row, Index head, Index dim) {
  return {m.data + row * m.stride + head * dim, 1, m.stride};
}

// Packs `count` rows of a head as a contraction of `length` rows: panels of R dimensions each; missing rows are zeros.
template <Device D, class T>
void pack_mix(const Sizes<D, T>& z, cpu::Source<T> dims, Index count, Index length, Unit* to) {
  constexpr Index R = Sizes<D, T>::R;
  const Index units = length / cpu::per_unit<T>;
  for (Index d = 0; d < z.dim_rows; d += R, to += units * R) {
    cpu::pack<D, T, R>(dims.at(d, 0), std::clamp<Index>(z.dim - d, 0, R), count, to);
    std::fill(to + cpu::units_of<T>(count) * R, to + units * R, 0);
  }
}

// Calls f(sequence, head, first row, rows) for blocks of `step` rows; every count-th call belongs to `thread`.
template <Device D, class F>
void for_each_block(const SegmentsView<D>& b, Index heads, Index step, int thread, int count, F&& f) {
  Index turn = 0;
  for (Index i = 0; i < b.sequences(); ++i)
    for (Index h = 0; h < heads; ++h)
      for (Index row = b.begin(i); row < b.end(i); row += step)
        if (turn++ % count == thread) f(i, h, row, std::min(step, b.end(i) - row));
}

// The score of an invisible key, finite, so that differences are no NaN; and the largest score of a query that has seen
// no key yet: far below any true one and far above `hidden` times any scale. Were both one number, fused arithmetic
// would find their rounding between them, and that is large.
inline constexpr float hidden = -1e30f, unseen = -1e20f;

// Which of the `count` keys from row `first` on a block of queries needs to look at: their number after invisible ones
// at the end were dropped (0: none), and whether all of these are visible.
struct Visible {
  Index keys = 0;
  bool all = false;
};
template <class Mask> Visible visible_keys(int group, const mask::Range& queries, const Place* keys, Index count) {
  constexpr Index step = 16;
  using mask::Coverage, mask::Range;
  const Coverage whole = mask::coverage<Mask>(group, queries, Range::of(keys, count));
  if (whole == Coverage::all) return {count, true};
  if (whole == Coverage::none) return {};
  while (count > 0) {
    const Index begin = (count - 1) / step * step;
    if (mask::coverage<Mask>(group, queries, Range::of(keys + begin, count - begin)) != Coverage::none) break;
    count = begin;
  }
  return {count, false};
}

// 1 where the lane's query sees the key, 0 where not.
template <class Mask, Index Q>
void visible_lanes(int group, const Place* queries, Place key, std::uint32_t (&seen)[Q]) {
  for (Index lane = 0; lane < Q; ++lane) seen[lane] = Mask::visible(group, queries[lane], key) ? ~0u : 0u;
}

// Two rows of probabilities as one row of units (one row and one row, for float).
template <Device D, class T>
[[gnu::always_inline]] inline void store_units(Unit* to, cpu::Floats<D> a, cpu::Floats<D> b) {
  if constexpr (std::is_same_v<cpu::Factor<T>, float>) {
    std::memcpy(to, &a, sizeof a);
    std::memcpy(to + cpu::Tile<D>::cols, &b, sizeof b);
  } else {
    const auto v = cpu::interleaved<D>(cpu::rounded<D>(a), cpu::rounded<D>(b));
    std::memcpy(to, &v, sizeof v);
  }
}

// from: (dims, stride) floats, lanes are rows of `to`. Writes factor * from^T for `count` lanes and `dims` columns.
template <Device D, class T>
void store_transposed(const float* from, Index stride, Index dims, Index count, float factor, T* to, Index to_stride) {
  constexpr Index L = cpu::lanes<D>;
  for (Index lane = 0; lane < count; lane += L)
    for (Index d = 0; d < dims; d += L) {
      cpu::Words<D> square[L];
      for (Index i = 0; i < L; ++i) {
        cpu::Floats<D> row = {};
        if (d + i < dims) row = cpu::load<D>(from + (d + i) * stride + lane) * factor;
        square[i] = cpu::same_bits<cpu::Words<D>>(row);
      }
      cpu::transpose<D>(square);
      for (Index i = 0; i < std::min(L, count - lane); ++i) {
        const auto row = cpu::same_bits<cpu::Floats<D>>(square[i]);
        T* const at = to + (lane + i) * to_stride + d;
        if (dims - d >= L) cpu::store<D>(at, row);
        else cpu::store<D>(at, row, int(dims - d));
      }
    }
}

}  // namespace vlt::ops::tiled
