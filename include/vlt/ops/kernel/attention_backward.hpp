#pragma once
#include <vlt/ops/kernel/attention_tile.hpp>

// The gradient of attention, weights p recomputed from lse (Dao 2023):
//   dv = p^T do,  dq = dz k,  dk = dz^T q,  dz = p (dp - delta) scale,  dp = do v^T,  delta = sum over keys of p dp
// Each of the mask's groups has its own delta. Two launches, the queries' first; nothing is added by atomics, so the
// bits are the same every time.
namespace vlt::ops::kernel {

inline constexpr float bits_per_nat = 1.44269504f;  // 1 / ln 2: exponentials are powers of two

// Eights of columns of p and dp that are at hand at once: registers are scarce.
inline constexpr int gradient_eights = 4;
using GradientPart = float[gradient_eights][4];

// p = exp(score scale - lse); nothing where a group shows nothing.
VLT_SIMT float attention_weight(float score, float scale, float lse) {
  return lse == -simt::infinity() ? 0.0f : simt::exp2_approximate((score * scale - lse) * bits_per_nat);
}

// dq, and delta for the other launch. A block has a tile of queries of one sequence and one head.
template <class T, class Mask, int Dim> struct AttentionQueryGradient {
  using Keys = TilePairs<T, Mask, Dim>;
  using Tile = SharedTile<T, Dim>;
  using Place = typename Mask::Place;
  using Range = typename Mask::Range;
  static constexpr int threads = Keys::threads;

  simt::Strided<const T> q, o, d_o;  // (queries, heads * head_dim)
  simt::Strided<const T> k, v;       // (keys, kv_heads * head_dim)
  simt::Strided<const float> lse;    // (queries, heads * groups)
  simt::Strided<float> delta;        // (queries, heads * groups)
  simt::Strided<T> dq;               // (queries, heads * head_dim)
  PackedRows<Place> queries, keys;
  Index query_tiles;  // of all sequences: PackedRows::tiles
  int heads, kv_heads, head_dim;
  float scale;

  simt::Grid grid() const { return {unsigned(query_tiles), unsigned(heads)}; }
  struct Shared {
    T *q, *d_o;
    typename Keys::Buffers keys;
  };
  template <class Arena> VLT_SIMT Shared carve(Arena& arena) const {
    T* const first = arena.template take<T>(Tile::size);
    T* const second = arena.template take<T>(Tile::size);
    return {first, second, Keys::carve(arena)};
  }

  VLT_SIMT void operator()() const {
    simt::SharedArena arena;
    const Shared shared = carve(arena);
    const RowTile mine = find_tile(queries, simt::block_x());
    const int column = int(simt::block_y()) * head_dim, row = int(simt::warp_index()) * 16;
    const Range range = range_of<Range>(queries.place + mine.first, mine.count);
    Tile::template fetch<threads>(shared.q, q.row(mine.first) + column, q.stride, mine.count, head_dim);
    Tile::template fetch<threads>(shared.d_o, d_o.row(mine.first) + column, d_o.stride, mine.count, head_dim);
    simt::commit_copies();  // waited for with the first keys
    Lane lane;
    for (int group = 0; group < Mask::groups; ++group) {
      read_rows(mine, group, lane);
      if constexpr (Mask::groups > 1) {
        lane.delta[0] = lane.delta[1] = 0;
        const auto add_delta = [&](const GradientPart& p, const GradientPart& dp, const T*) {
          VLT_UNROLL
          for (int n = 0; n < gradient_eights; ++n) {
            VLT_UNROLL
            for (int e = 0; e < 4; ++e) lane.delta[e / 2] += p[n][e] * dp[n][e];
          }
        };
        visit(shared, mine, range, group, lane, add_delta);
        add_up(lane);
      }
      write_delta(mine, group, lane);
      const auto add_gradient = [&](GradientPart& p, const GradientPart& dp, const T* key_rows) {
        VLT_UNROLL
        for (int n = 0; n < gradient_eights; ++n) {
          VLT_UNROLL
          for (int e = 0; e < 4; ++e) p[n][e] *= (dp[n][e] - lane.delta[e / 2]) * scale;
        }
        multiply_weights<T, Dim>(lane.sums, p, key_rows);
      };
      visit(shared, mine, range, group, lane, add_gradient);
    }
    simt::wait_for_copies<0>();
    store_sums<T, Dim>(lane.sums, shared.q, row, {dq.row(mine.first) + column, dq.stride}, mine.count, head_dim);
  }

 private:
  // What a lane knows of its two rows, and holds of their gradients.
  struct Lane {
    float lse[2], delta[2];
    float sums[Dim / 8][4] = {};
  };
  VLT_SIMT int column_of(int group) const { return int(simt::block_y()) * Mask::groups + group; }

  // With one group, delta is do . o.
  VLT_SIMT void read_rows(const RowTile& mine, int group, Lane& lane) const {
    VLT_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int row = row_of_lane(half);
      const bool there = row < mine.count;
      lane.lse[half] = there ? lse.row(mine.first + row)[column_of(group)] : -simt::infinity();
      if constexpr (Mask::groups == 1) {
        float sum = 0;
        const Index at = mine.first + row, column = Index(simt::block_y()) * head_dim;
        for (int c = int(simt::lane_index()) % 4 * 8; there && c < head_dim; c += 32) {
          const auto x = simt::load_row<8>(o.row(at) + column + c, 8),
                     y = simt::load_row<8>(d_o.row(at) + column + c, 8);
          VLT_UNROLL
          for (int i = 0; i < 8; ++i) sum += x[i] * y[i];
        }
        lane.delta[half] = sum;
      }
    }
    if constexpr (Mask::groups == 1) add_up(lane);
  }
  // The four lanes of a row have a part each.
  VLT_SIMT void add_up(Lane& lane) const {
    VLT_UNROLL
    for (int half = 0; half < 2; ++half) {
      lane.delta[half] += simt::shuffle_xor(lane.delta[half], 1);
      lane.delta[half] += simt::shuffle_xor(lane.delta[half], 2);
    }
  }
  VLT_SIMT void write_delta(const RowTile& mine, int group, const Lane& lane) const {
    VLT_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int row = row_of_lane(half);
      if (simt::lane_index() % 4 == 0 && row < mine.count)
        delta.row(mine.first + row)[column_of(group)] = lane.delta[half];
    }
  }

  // Calls use(p, dp, rows of keys) for every part of every tile of keys that the group shows.
  template <class Use>
  VLT_SIMT void visit(const Shared& shared, const RowTile& mine, const Range& range, int group, const Lane& lane,
                      const Use& use) const {
    const int column = int(simt::block_y()) / (heads / kv_heads) * head_dim, row = int(simt::warp_index()) * 16;
    Keys{k, v, keys, head_dim}.for_each(
        shared.keys, mine.sequence, column, [&](const Range& r) { return Mask::hides_all(group, range, r); },
        [&](const Range& r) { return Mask::shows_all(group, range, r); },
        [&](const typename Keys::Step& step) {
          VLT_KEEP_LOOP
          for (int begin = 0; begin < attention_tile; begin += 8 * gradient_eights) {
            GradientPart p = {}, dp = {};
            multiply_by_rows<T, Dim>(p, shared.q, row, step.a + begin * Tile::stride);
            weigh(p, mine, group, step, begin, lane);
            multiply_by_rows<T, Dim>(dp, shared.d_o, row, step.b + begin * Tile::stride);
            use(p, dp, step.a + begin * Tile::stride);
          }
        });
  }
  // Scores become weights.
  VLT_SIMT void weigh(GradientPart& p, const RowTile& mine, int group, const typename Keys::Step& step, int begin,
                      const Lane& lane) const {
    VLT_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int row = row_of_lane(half);
      const Place query = queries.place[mine.first + (row < mine.count ? row : mine.count - 1)];
      VLT_UNROLL
      for (int i = 0; i < 2 * gradient_eights; ++i) {
        float& x = p[i / 2][2 * half + i % 2];
        const int key = begin + column_of_lane(i);
        const bool seen = step.whole || (key < step.count && Mask::visible(group, query, step.place[key]));
        x = seen ? attention_weight(x, scale, lane.lse[half]) : 0.0f;
      }
    }
  }
};

// dk and dv. A block has a tile of keys of one sequence and one head of keys, and goes through the queries of all heads
// that read it, in their order.
template <class T, class Mask, int Dim> struct AttentionKeyGradient {
  using Queries = TilePairs<T, Mask, Dim>;
  using Tile = SharedTile<T, Dim>;
  using Place = typename Mask::Place;
  using Range = typename Mask::Range;
  static constexpr int threads = Queries::threads;

  simt::Strided<const T> q, d_o;          // (queries, heads * head_dim)
  simt::Strided<const T> k, v;            // (keys, kv_heads * head_dim)
  simt::Strided<const float> lse, delta;  // (queries, heads * groups)
  simt::Strided<T> dk, dv;                // (keys, kv_heads * head_dim)
  PackedRows<Place> queries, keys;
  Index key_tiles;  // of all sequences: PackedRows::tiles
  int heads, kv_heads, head_dim;
  float scale;

  simt::Grid grid() const { return {unsigned(key_tiles), unsigned(kv_heads)}; }
  struct Shared {
    T *k, *v;
    typename Queries::Buffers queries;
    float *lse, *delta;  // of the queries at hand
  };
  template <class Arena> VLT_SIMT Shared carve(Arena& arena) const {
    Shared s{};
    s.k = arena.template take<T>(Tile::size), s.v = arena.template take<T>(Tile::size);
    s.queries = Queries::carve(arena);
    s.lse = arena.template take<float>(attention_tile), s.delta = arena.template take<float>(attention_tile);
    return s;
  }

  VLT_SIMT void operator()() const {
    simt::SharedArena arena;
    const Shared shared = carve(arena);
    const RowTile mine = find_tile(keys, simt::block_x());
    const int column = int(simt::block_y()) * head_dim, row = int(simt::warp_index()) * 16, each = heads / kv_heads;
    const Range range = range_of<Range>(keys.place + mine.first, mine.count);
    Tile::template fetch<threads>(shared.k, k.row(mine.first) + column, k.stride, mine.count, head_dim);
    Tile::template fetch<threads>(shared.v, v.row(mine.first) + column, v.stride, mine.count, head_dim);
    simt::commit_copies();  // waited for with the first queries
    Sums sums;
    for (int i = 0; i < each; ++i) {
      const int head = int(simt::block_y()) * each + i;
      for (int group = 0; group < Mask::groups; ++group) add_head(shared, mine, range, head, group, sums);
    }
    simt::wait_for_copies<0>();
    store_sums<T, Dim>(sums.k, shared.k, row, {dk.row(mine.first) + column, dk.stride}, mine.count, head_dim);
    store_sums<T, Dim>(sums.v, shared.v, row, {dv.row(mine.first) + column, dv.stride}, mine.count, head_dim);
  }

 private:
  struct Sums {
    float k[Dim / 8][4] = {}, v[Dim / 8][4] = {};
  };

  // What the queries of one head and one group add. Rows of p and dp are keys here, columns are queries.
  VLT_SIMT void add_head(const Shared& shared, const RowTile& mine, const Range& range, int head, int group,
                         Sums& sums) const {
    const int row = int(simt::warp_index()) * 16, at = head * Mask::groups + group;
    Queries{q, d_o, queries, head_dim}.for_each(
        shared.queries, mine.sequence, head * head_dim,
        [&](const Range& r) { return Mask::hides_all(group, r, range); },
        [&](const Range& r) { return Mask::shows_all(group, r, range); },
        [&](const typename Queries::Step& step) {
          const int t = int(simt::thread_index());
          if (t < attention_tile) {
            const bool there = t < step.count;
            shared.lse[t] = there ? lse.row(step.first + t)[at] : -simt::infinity();
            shared.delta[t] = there ? delta.row(step.first + t)[at] : 0.0f;
          }
          simt::sync_block();
          VLT_KEEP_LOOP
          for (int begin = 0; begin < attention_tile; begin += 8 * gradient_eights) {
            const T *const q_rows = step.a + begin * Tile::stride, *const d_o_rows = step.b + begin * Tile::stride;
            GradientPart p = {}, dp = {};
            multiply_by_rows<T, Dim>(p, shared.k, row, q_rows);
            weigh(p, shared, mine, group, step, begin);
            multiply_weights<T, Dim>(sums.v, p, d_o_rows);
            multiply_by_rows<T, Dim>(dp, shared.v, row, d_o_rows);
            VLT_UNROLL
            for (int i = 0; i < 2 * gradient_eights; ++i) {
              const float mean = shared.delta[begin + column_of_lane(i)];
              VLT_UNROLL
              for (int half = 0; half < 2; ++half) {
                float& x = p[i / 2][2 * half + i % 2];
                x *= (dp[i / 2][2 * half + i % 2] - mean) * scale;
              }
            }
            multiply_weights<T, Dim>(sums.k, p, q_rows);
          }
        });
  }
  VLT_SIMT void weigh(GradientPart& p, const Shared& shared, const RowTile& mine, int group,
                      const typename Queries::Step& step, int begin) const {
    VLT_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int row = row_of_lane(half);
      const bool there = row < mine.count;
      const Place key = keys.place[mine.first + (there ? row : mine.count - 1)];
      VLT_UNROLL
      for (int i = 0; i < 2 * gradient_eights; ++i) {
        float& x = p[i / 2][2 * half + i % 2];
        const int query = begin + column_of_lane(i);
        const bool seen = there && query < step.count && (step.whole || Mask::visible(group, step.place[query], key));
        x = seen ? attention_weight(x, scale, shared.lse[query]) : 0.0f;
      }
    }
  }
};

}  // namespace vlt::ops::kernel
