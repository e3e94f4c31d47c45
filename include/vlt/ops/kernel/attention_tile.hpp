#pragma once
#include <vlt/simt/strided.hpp>
#include <vlt/simt/vocabulary.hpp>

// What attention's kernels share: a packed batch seen in tiles of rows, tiles in shared memory, and products of them.
namespace vlt::ops::kernel {

inline constexpr int attention_tile = 64;  // rows of queries, and of keys

// One side of a packed batch: rows of sequences, where each begins, and where each row stands.
template <class Place> struct PackedRows {
  const Index* offset;  // (sequences + 1)
  const Place* place;   // (rows)

  // Tiles never reach from one sequence into the next; `offsets` may lie on the host.
  static Index tiles(const Index* offsets, Index sequences) {
    Index n = 0;
    for (Index i = 0; i < sequences; ++i) n += (offsets[i + 1] - offsets[i] + attention_tile - 1) / attention_tile;
    return n;
  }
};

// A tile of rows of one sequence.
struct RowTile {
  Index sequence, first;
  int count;
};
// The tile with this number among those of all sequences.
template <class Place> VLT_SIMT RowTile find_tile(const PackedRows<Place>& rows, Index number) {
  Index sequence = 0;
  for (;; ++sequence) {
    const Index n = rows.offset[sequence + 1] - rows.offset[sequence];
    const Index tiles = (n + attention_tile - 1) / attention_tile;
    if (number < tiles) break;
    number -= tiles;
  }
  const Index first = rows.offset[sequence] + number * attention_tile, left = rows.offset[sequence + 1] - first;
  return {sequence, first, left < attention_tile ? int(left) : attention_tile};
}

VLT_SIMT Index smaller_index(Index a, Index b) { return a < b ? a : b; }
VLT_SIMT Index larger_index(Index a, Index b) { return a < b ? b : a; }

// The positions and kinds that occur in a tile. All lanes of a warp come, and all get it; `Range` is the masks' own.
template <class Range, class Place> VLT_SIMT Range range_of(const Place* place, int count) {
  Index first = 0, last = 0;
  int kinds = 0;  // bit 0: text, bit 1: images
  for (int i = int(simt::lane_index()); i < attention_tile; i += simt::warp_size) {
    const Place p = place[i < count ? i : count - 1];
    const bool begins = i < simt::warp_size;
    first = begins ? p.position : smaller_index(first, p.position);
    last = begins ? p.position : larger_index(last, p.position);
    kinds |= 1 << int(p.kind);
  }
  VLT_UNROLL
  for (unsigned bits = 16; bits > 0; bits /= 2) {
    first = smaller_index(first, simt::shuffle_xor(first, bits));
    last = larger_index(last, simt::shuffle_xor(last, bits));
    kinds |= simt::shuffle_xor(kinds, bits);
  }
  Range range;
  range.first = first, range.last = last, range.text = kinds & 1, range.image = kinds >> 1 & 1;
  return range;
}

// (attention_tile, Dim) numbers in shared memory. Rows are 16 bytes apart more than they are long, so that the eight
// rows that ldmatrix reads at once lie in different banks. Dim: the head size, or the next larger one of those
// compiled, whose further columns are zeros.
template <class T, int Dim> struct SharedTile {
  static_assert(sizeof(T) == 2 && Dim % 16 == 0);
  static constexpr int stride = Dim + 8, size = attention_tile * stride;

  // Asynchronously, by `threads` threads: head_dim columns of `count` rows, the rest zeros.
  template <int threads>
  VLT_SIMT static void fetch(T* tile, const T* from, Index stride_of_from, int count, int head_dim) {
    static_assert(attention_tile * Dim / 8 % threads == 0);
    VLT_KEEP_LOOP  // unrolled, it would hold the addresses of all rows in registers
        for (int i = 0; i < attention_tile * Dim / 8 / threads; ++i) {
      const int at = int(simt::thread_index()) + i * threads, row = at / (Dim / 8), column = at % (Dim / 8) * 8;
      const bool there = row < count && column < head_dim;
      simt::copy_async16(tile + row * stride + column, there ? from + row * stride_of_from + column : from, there);
    }
  }
  // The left operand of a product: rows [row, row + 16), columns [column, column + 16).
  VLT_SIMT static void left(std::uint32_t (&word)[4], const T* tile, int row, int column) {
    const int lane = int(simt::lane_index());
    simt::ldmatrix_x4<false>(word, tile + (row + lane % 16) * stride + column + lane / 16 * 8);
  }
  // Two right operands, of a product with the transposed tile: its rows become columns [row, row + 16) of the result.
  VLT_SIMT static void right_of_rows(std::uint32_t (&word)[4], const T* tile, int row, int column) {
    const int lane = int(simt::lane_index());
    simt::ldmatrix_x4<false>(word, tile + (row + lane % 8 + lane / 16 * 8) * stride + column + lane / 8 % 2 * 8);
  }
  // Two right operands, of a product with the tile as it lies.
  VLT_SIMT static void right(std::uint32_t (&word)[4], const T* tile, int row, int column) {
    const int lane = int(simt::lane_index());
    simt::ldmatrix_x4<true>(word, tile + (row + lane % 16) * stride + column + lane / 16 * 8);
  }
};

// Two matrices of the same packed rows, keys and values or queries and gradients, read tile after tile through two
// buffers: while one is worked on, the next arrives.
template <class T, class Mask, int Dim> struct TilePairs {
  static constexpr int threads = 128;
  using Tile = SharedTile<T, Dim>;
  using Place = typename Mask::Place;
  using Range = typename Mask::Range;

  simt::Strided<const T> a, b;
  PackedRows<Place> rows;
  int head_dim;

  struct Buffers {
    T *a[2], *b[2];
    Place* place[2];
  };
  template <class Arena> VLT_SIMT static Buffers carve(Arena& arena) {
    Buffers s{};
    s.a[0] = arena.template take<T>(Tile::size), s.a[1] = arena.template take<T>(Tile::size);
    s.b[0] = arena.template take<T>(Tile::size), s.b[1] = arena.template take<T>(Tile::size);
    s.place[0] = arena.template take<Place>(attention_tile), s.place[1] = arena.template take<Place>(attention_tile);
    return s;
  }
  // What one step works on: rows [first, first + count) of both matrices.
  struct Step {
    const T *a, *b;
    const Place* place;
    Index first;
    int count;
    bool whole;  // all of it is there and shown to all
  };

  // Calls work(step) for each tile of the sequence of which something is shown. Columns of a head begin at `column`.
  // hides_all(range), shows_all(range): the mask's answers for a tile's rows. All threads of the block come.
  template <class Hides, class Shows, class Work>
  VLT_SIMT void for_each(const Buffers& buffers, Index sequence, int column, const Hides& hides_all,
                         const Shows& shows_all, const Work& work) const {
    const Index begin = rows.offset[sequence], end = rows.offset[sequence + 1];
    bool second = false, next_whole = false, whole = false;
    Index at = find_next(begin, end, hides_all, shows_all, whole);
    if (at < end) fetch(buffers.a[0], buffers.b[0], buffers.place[0], at, end, column);
    while (at < end) {
      const Index next = find_next(at + attention_tile, end, hides_all, shows_all, next_whole);
      if (next < end) {
        fetch(second ? buffers.a[0] : buffers.a[1], second ? buffers.b[0] : buffers.b[1],
              second ? buffers.place[0] : buffers.place[1], next, end, column);
        simt::wait_for_copies<1>();
      } else {
        simt::wait_for_copies<0>();
      }
      simt::sync_block();
      work(Step{second ? buffers.a[1] : buffers.a[0], second ? buffers.b[1] : buffers.b[0],
                second ? buffers.place[1] : buffers.place[0], at, count_at(at, end), whole});
      simt::sync_block();  // the buffers are written again
      at = next, whole = next_whole, second = !second;
    }
  }

 private:
  VLT_SIMT static int count_at(Index at, Index end) {
    return end - at < attention_tile ? int(end - at) : attention_tile;
  }
  // The first row of the next tile that is not hidden, or at least `end`.
  template <class Hides, class Shows>
  VLT_SIMT Index find_next(Index at, Index end, const Hides& hides_all, const Shows& shows_all, bool& whole) const {
    for (; at < end; at += attention_tile) {
      const int count = count_at(at, end);
      const Range range = range_of<Range>(rows.place + at, count);
      if (hides_all(range)) continue;
      whole = count == attention_tile && shows_all(range);
      break;
    }
    return at;
  }
  VLT_SIMT void fetch(T* to_a, T* to_b, Place* to_place, Index at, Index end, int column) const {
    const int count = count_at(at, end), i = int(simt::thread_index());
    Tile::template fetch<threads>(to_a, a.row(at) + column, a.stride, count, head_dim);
    Tile::template fetch<threads>(to_b, b.row(at) + column, b.stride, count, head_dim);
    if (i < attention_tile) to_place[i] = rows.place[at + (i < count ? i : count - 1)];
    simt::commit_copies();
  }
};

// Of the lane's two rows in its warp's 16 of a tile.
VLT_SIMT int row_of_lane(int half) { return int(simt::warp_index()) * 16 + int(simt::lane_index()) / 4 + 8 * half; }
// Of the lane's columns of a product, two in every eight; sums[i / 2][2 * half + i % 2] is that of a row and a column.
VLT_SIMT int column_of_lane(int i) { return i / 2 * 8 + int(simt::lane_index()) % 4 * 2 + i % 2; }

// sums (16, 8 N) += left tile^T, left being rows [row, row + 16) of one tile, `tile` the first of 8 N rows of another.
// Fragments are read again each time, as registers are scarce.
template <class T, int Dim, int N>
VLT_SIMT void multiply_by_rows(float (&sums)[N][4], const T* left, int row, const T* tile) {
  VLT_UNROLL
  for (int k = 0; k < Dim / 16; ++k) {
    std::uint32_t words[4];
    SharedTile<T, Dim>::left(words, left, row, k * 16);
    VLT_UNROLL
    for (int n = 0; n < N / 2; ++n) {
      std::uint32_t right[4];
      SharedTile<T, Dim>::right_of_rows(right, tile, n * 16, k * 16);
      simt::mma_m16n8k16<T>(sums[2 * n], words, right[0], right[1]);
      simt::mma_m16n8k16<T>(sums[2 * n + 1], words, right[2], right[3]);
    }
  }
}
// sums (16, Dim) += weights (16, 8 N) tile, the weights rounded to T: what a lane holds of a result is what it holds of
// a left operand.
template <class T, int Dim, int N>
VLT_SIMT void multiply_weights(float (&sums)[Dim / 8][4], const float (&weights)[N][4], const T* tile) {
  VLT_UNROLL
  for (int k = 0; k < N / 2; ++k) {
    const std::uint32_t left[4] = {simt::pair_of<T>(weights[2 * k][0], weights[2 * k][1]),
                                   simt::pair_of<T>(weights[2 * k][2], weights[2 * k][3]),
                                   simt::pair_of<T>(weights[2 * k + 1][0], weights[2 * k + 1][1]),
                                   simt::pair_of<T>(weights[2 * k + 1][2], weights[2 * k + 1][3])};
    VLT_UNROLL
    for (int n = 0; n < Dim / 16; ++n) {
      std::uint32_t right[4];
      SharedTile<T, Dim>::right(right, tile, k * 16, n * 16);
      simt::mma_m16n8k16<T>(sums[2 * n], left, right[0], right[1]);
      simt::mma_m16n8k16<T>(sums[2 * n + 1], left, right[2], right[3]);
    }
  }
}
// Rows [row, row + 16) of a tile, by the warp that owns them: out of its sums, and from there to memory in 16 bytes at
// once. `count`: how many rows of the tile are there.
template <class T, int Dim>
VLT_SIMT void store_sums(const float (&sums)[Dim / 8][4], T* tile, int row, simt::Strided<T> to, int count,
                         int head_dim) {
  using Tile = SharedTile<T, Dim>;
  const int lane = int(simt::lane_index());
  simt::sync_warp();
  VLT_UNROLL
  for (int n = 0; n < Dim / 8; ++n) {
    VLT_UNROLL
    for (int half = 0; half < 2; ++half) {
      simt::Vec<T, 2> pair;
      pair[0] = simt::narrow<T>(sums[n][2 * half]), pair[1] = simt::narrow<T>(sums[n][2 * half + 1]);
      simt::store<T, 2>(tile + (row + lane / 4 + 8 * half) * Tile::stride + n * 8 + lane % 4 * 2, pair);
    }
  }
  simt::sync_warp();
  for (int at = lane; at < 16 * (Dim / 8); at += simt::warp_size) {
    const int r = row + at / (Dim / 8), c = at % (Dim / 8) * 8;
    if (r < count && c < head_dim) simt::store<T, 8>(to.row(r) + c, simt::load<T, 8>(tile + r * Tile::stride + c));
  }
}

}  // namespace vlt::ops::kernel
