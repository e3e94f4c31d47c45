#pragma once
#include <vlt/ops/kernel/attention_tile.hpp>

namespace vlt::ops::kernel {

// o = sum over the mask's groups of softmax(q k^T scale) v, in one pass over the keys of each group (Dao 2023). A block
// has a tile of queries of one sequence and one head, 16 rows a warp; tiles of keys and values arrive asynchronously in
// two buffers; those that the mask hides from all queries of the tile are never read. head_dim <= Dim, a multiple of 8;
// rows of all matrices begin at multiples of 16 bytes.
template <class T, class Mask, int Dim> struct AttentionForward {
  using Keys = TilePairs<T, Mask, Dim>;
  using Tile = SharedTile<T, Dim>;
  using Place = typename Mask::Place;
  using Range = typename Mask::Range;
  static constexpr int threads = Keys::threads;
  // Eights of keys whose scores are at hand at once: registers are few where two results of large heads are held.
  static constexpr int eights = Mask::groups > 1 && Dim > 96 ? 4 : 8;

  simt::Strided<const T> q;     // (queries, heads * head_dim)
  simt::Strided<const T> k, v;  // (keys, kv_heads * head_dim)
  simt::Strided<T> o;           // (queries, heads * head_dim)
  simt::Strided<float> lse;     // (queries, heads * groups): -inf where a group shows nothing
  PackedRows<Place> queries, keys;
  Index query_tiles;  // of all sequences: PackedRows::tiles
  int heads, kv_heads, head_dim;
  float scale;

  simt::Grid grid() const { return {unsigned(query_tiles), unsigned(heads)}; }
  struct Shared {
    T* q;
    typename Keys::Buffers keys;
  };
  template <class Arena> VLT_SIMT Shared carve(Arena& arena) const {
    T* const tile = arena.template take<T>(Tile::size);
    return {tile, Keys::carve(arena)};
  }

  VLT_SIMT void operator()() const {
    simt::SharedArena arena;
    const Shared shared = carve(arena);
    const RowTile mine = find_tile(queries, simt::block_x());
    const int head = int(simt::block_y());
    const Range range = range_of<Range>(queries.place + mine.first, mine.count);
    Tile::template fetch<threads>(shared.q, q.row(mine.first) + head * head_dim, q.stride, mine.count, head_dim);
    simt::commit_copies();  // waited for with the first keys
    const int row = int(simt::warp_index()) * 16;
    Result result;
    for (int group = 0; group < Mask::groups; ++group) attend(shared, mine, range, group, result);
    simt::wait_for_copies<0>();
    store_sums<T, Dim>(result.sums, shared.q, row, {o.row(mine.first) + head * head_dim, o.stride}, mine.count,
                       head_dim);
  }

 private:
  // What a lane holds of its 16 rows: columns of two of them.
  struct Result {
    float sums[Dim / 8][4] = {};
  };
  // A softmax under way: of each of the lane's two rows the largest score so far and the sum of exponentials.
  struct Online {
    float top[2] = {-simt::infinity(), -simt::infinity()}, total[2] = {};
    Result weighted;
  };

  // One group's softmax over all keys, added to the result.
  VLT_SIMT void attend(const Shared& shared, const RowTile& mine, const Range& range, int group, Result& result) const {
    Online online;
    const int column = int(simt::block_y()) / (heads / kv_heads) * head_dim;
    Keys{k, v, keys, head_dim}.for_each(
        shared.keys, mine.sequence, column, [&](const Range& r) { return Mask::hides_all(group, range, r); },
        [&](const Range& r) { return Mask::shows_all(group, range, r); },
        [&](const typename Keys::Step& step) {
          VLT_KEEP_LOOP
          for (int begin = 0; begin < attention_tile; begin += 8 * eights) {
            float scores[eights][4] = {};
            multiply_by_rows<T, Dim>(scores, shared.q, int(simt::warp_index()) * 16, step.a + begin * Tile::stride);
            if (!step.whole) hide(scores, mine, group, step, begin);
            join(scores, online);
            multiply_weights<T, Dim>(online.weighted.sums, scores, step.b + begin * Tile::stride);
          }
        });
    finish(mine, group, online, result);
  }

  // Scores of keys that are not there or not seen become -inf.
  VLT_SIMT void hide(float (&scores)[eights][4], const RowTile& mine, int group, const typename Keys::Step& step,
                     int begin) const {
    VLT_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int row = row_of_lane(half);
      const Place query = queries.place[mine.first + (row < mine.count ? row : mine.count - 1)];
      VLT_UNROLL
      for (int i = 0; i < 2 * eights; ++i) {
        const int key = begin + column_of_lane(i);
        if (key >= step.count || !Mask::visible(group, query, step.place[key]))
          scores[i / 2][2 * half + i % 2] = -simt::infinity();
      }
    }
  }
  // Joins a tile's scores to the softmax and turns them into weights. Exponentials are powers of two.
  VLT_SIMT void join(float (&scores)[eights][4], Online& online) const {
    const float to_bits = scale * 1.44269504f;
    VLT_UNROLL
    for (int half = 0; half < 2; ++half) {
      float top = online.top[half];
      VLT_UNROLL
      for (int i = 0; i < 2 * eights; ++i) top = simt::larger(top, scores[i / 2][2 * half + i % 2]);
      top = simt::larger(top, simt::shuffle_xor(top, 1));
      top = simt::larger(top, simt::shuffle_xor(top, 2));
      const float base = top == -simt::infinity() ? 0.0f : top * to_bits;  // nothing seen yet: all weights are zero
      const float shrink = simt::exp2_approximate(online.top[half] * to_bits - base);
      online.top[half] = top;
      float total = 0;
      VLT_UNROLL
      for (int i = 0; i < 2 * eights; ++i) {
        float& x = scores[i / 2][2 * half + i % 2];
        x = simt::exp2_approximate(x * to_bits - base);
        total += x;
      }
      online.total[half] = online.total[half] * shrink + total;
      VLT_UNROLL
      for (int n = 0; n < Dim / 8; ++n) {
        online.weighted.sums[n][2 * half] *= shrink;
        online.weighted.sums[n][2 * half + 1] *= shrink;
      }
    }
  }
  VLT_SIMT void finish(const RowTile& mine, int group, Online& online, Result& result) const {
    VLT_UNROLL
    for (int half = 0; half < 2; ++half) {
      float total = online.total[half];
      total += simt::shuffle_xor(total, 1);
      total += simt::shuffle_xor(total, 2);
      const float share = total > 0 ? 1 / total : 0.0f;
      VLT_UNROLL
      for (int n = 0; n < Dim / 8; ++n) {
        result.sums[n][2 * half] += online.weighted.sums[n][2 * half] * share;
        result.sums[n][2 * half + 1] += online.weighted.sums[n][2 * half + 1] * share;
      }
      const int row = row_of_lane(half);
      if (simt::lane_index() % 4 == 0 && row < mine.count)
        lse.row(mine.first + row)[int(simt::block_y()) * Mask::groups + group] =
            total > 0 ? online.top[half] * scale + simt::log(total) : -simt::infinity();
    }
  }
};

}  // namespace vlt::ops::kernel
