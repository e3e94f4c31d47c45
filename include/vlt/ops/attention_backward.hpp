#pragma once
#include <vlt/base/parallel.hpp>
#include <vlt/ops/attention_tiles.hpp>

namespace vlt::ops::tiled {

template <Device D, class T> struct Gradients {
  Matrix<T, D> d_o, o;      // in; o may be left out
  Matrix<T, D> dq, dk, dv;  // out
};

// The gradient of attention, tile by tile. One task is one head of one sequence: it adds to its own dK^T and dV^T, and
// the heads that share keys are added up afterwards, in their order, so that no sum depends on the threads.
template <class Mask, Device D, class T> class Backward {
  using S = Sizes<D, T>;
  using Factor = cpu::Factor<T>;
  static constexpr Index R = S::R, Q = S::Q, K = S::K, L = cpu::lanes<D>;
  static constexpr int V = cpu::Tile<D>::vectors;

 public:
  Backward(const AttentionShape<D>& a, Matrix<T, D> q, Matrix<T, D> k, Matrix<T, D> v, Matrix<float, D> lse,
           const Gradients<D, T>& g, std::byte* work, int threads)
      : a_(a), z_(a), q_(q), k_(k), v_(v), lse_(lse), g_(g), scale2_(float(a.scale() * 1.4426950408889634)) {
    Cutter cut(work);
    const Index blocks = S::blocks(a.keys);
    keys_ = cut.cut<Unit>(blocks * a.kv_heads * z_.score_units());
    values_ = cut.cut<Unit>(blocks * a.kv_heads * z_.score_units());
    key_mix_ = cut.cut<Unit>(blocks * a.kv_heads * z_.mix_units());
    dk_ = cut.cut<float>(blocks * a.heads * block_size());
    dv_ = cut.cut<float>(blocks * a.heads * block_size());
    own_ = cut.cut<std::byte>(threads * Own(z_, nullptr).bytes);
    bytes_ = cut.bytes();
  }
  Index bytes() const { return bytes_; }

  void run(Threads& threads) {
    threads.run([&](int thread, int count) {
      for_each_block(a_.keys, a_.kv_heads, K, thread, count,
                     [&](Index i, Index h, Index row, Index n) { pack_keys(i, h, row, n); });
    });
    threads.run([&](int thread, int count) {
      Own own(z_, nullptr);
      own = Own(z_, own_ + thread * own.bytes);
      for (Index task = thread; task < a_.keys.sequences() * a_.heads; task += count)
        one_head(own, task / a_.heads, task % a_.heads);
    });
    threads.run([&](int thread, int count) {
      for_each_block(a_.keys, a_.kv_heads, K, thread, count,
                     [&](Index i, Index h, Index row, Index n) { add_heads(i, h, row, n); });
    });
  }

 private:
  // What one thread works with. Queries and d_o as lanes and as a contraction; p and dz (K, Q) as factors and, for the
  // products over queries and keys, as units; dQ^T (dim, Q).
  struct Own {
    Unit *queries, *query_mix, *d_out, *d_out_mix, *p_panel, *dz_panel, *dz_units;
    Factor *p_rows, *dz_rows;
    float *scores, *dp, *dq;
    Index bytes;
    Own(const S& z, std::byte* base) {
      Cutter cut(base);
      queries = cut.cut<Unit>(z.query_panel_units()), d_out = cut.cut<Unit>(z.query_panel_units());
      query_mix = cut.cut<Unit>(z.query_mix_units()), d_out_mix = cut.cut<Unit>(z.query_mix_units());
      p_panel = cut.cut<Unit>(S::query_units * Q), dz_panel = cut.cut<Unit>(S::query_units * Q);
      dz_units = cut.cut<Unit>(S::key_units * Q);
      p_rows = cut.cut<Factor>(K * Q), dz_rows = cut.cut<Factor>(K * Q);
      scores = cut.cut<float>(K * Q), dp = cut.cut<float>(K * Q), dq = cut.cut<float>(z.dim_rows * Q);
      bytes = cut.bytes();
    }
  };
  // A block of queries under one group of the mask.
  struct Block {
    Index sequence, head, row, count;
    int group;
    Place places[Q];
    mask::Range range;
    cpu::Floats<D> lse[V], delta[V];  // base 2; sum_j p dp
  };

  Index block_size() const { return z_.dim_rows * K; }
  Index block_at(Index sequence, Index head, Index row) const {
    return head * S::blocks(a_.keys) + S::first_block(a_.keys, sequence) + (row - a_.keys.begin(sequence)) / K;
  }
  void pack_keys(Index sequence, Index kv_head, Index row, Index count) {
    const Index block = block_at(sequence, kv_head, row);
    cpu::pack_panels<D, T, R>(rows_as_lanes(k_, row, kv_head, z_.dim), count, z_.dim, keys_ + block * z_.score_units());
    cpu::pack_panels<D, T, R>(rows_as_lanes(v_, row, kv_head, z_.dim), count, z_.dim,
                              values_ + block * z_.score_units());
    pack_mix<D, T>(z_, dims_as_lanes(k_, row, kv_head, z_.dim), count, K, key_mix_ + block * z_.mix_units());
  }

  void one_head(Own& own, Index sequence, Index head) {
    const SegmentsView<D>&queries = a_.queries, &keys = a_.keys;
    const Index first = block_at(sequence, head, keys.begin(sequence)),
                n = (keys.end(sequence) - keys.begin(sequence) + K - 1) / K * block_size();
    std::fill_n(dk_ + first * block_size(), n, 0.0f), std::fill_n(dv_ + first * block_size(), n, 0.0f);
    for (Index row = queries.begin(sequence); row < queries.end(sequence); row += Q)
      one_block(own, sequence, head, row, std::min(Q, queries.end(sequence) - row));
  }
  void one_block(Own& own, Index sequence, Index head, Index row, Index count) {
    const auto q = rows_as_lanes(q_, row, head, z_.dim), d_o = rows_as_lanes(g_.d_o, row, head, z_.dim);
    cpu::pack<D, T, Q>(q, count, z_.dim, own.queries);
    cpu::pack<D, T, Q>(d_o, count, z_.dim, own.d_out);
    pack_mix<D, T>(z_, dims_as_lanes(q_, row, head, z_.dim), count, Q, own.query_mix);
    pack_mix<D, T>(z_, dims_as_lanes(g_.d_o, row, head, z_.dim), count, Q, own.d_out_mix);
    std::fill_n(own.dq, z_.dim_rows * Q, 0.0f);
    Block b{sequence, head, row, count, 0, {}, {}, {}, {}};
    for (Index lane = 0; lane < Q; ++lane) b.places[lane] = a_.queries.places()[row + std::min(lane, count - 1)];
    b.range = mask::Range::of(b.places, count);
    for (b.group = 0; b.group < Mask::groups; ++b.group) {
      read_lse(b);
      if (Mask::groups == 1 && g_.o.rows) delta_from_output(b);
      else delta_from_products(own, b);
      for_each_key_block(own, b, [&](Index key_row, Index keys) { add_gradients(own, b, key_row, keys); });
    }
    store_transposed<D>(own.dq, Q, z_.dim, count, float(a_.scale()), g_.dq.data + row * g_.dq.stride + head * z_.dim,
                        g_.dq.stride);
  }
  void read_lse(Block& b) const {
    alignas(64) float lse[Q];
    for (Index lane = 0; lane < Q; ++lane)  // a lane without a query has no probabilities
      lse[lane] = lane < b.count ? lse_(b.row + lane, b.head * Mask::groups + b.group) * 1.44269504f : -hidden;
    for (int j = 0; j < V; ++j) b.lse[j] = cpu::load<D>(lse + j * L);
  }
  void delta_from_output(Block& b) const {
    alignas(64) float delta[Q] = {};
    for (Index i = 0; i < b.count; ++i) {
      const T *x = g_.d_o.data + (b.row + i) * g_.d_o.stride + b.head * z_.dim,
              *y = g_.o.data + (b.row + i) * g_.o.stride + b.head * z_.dim;
      cpu::Floats<D> sum = {};
      cpu::for_each_register<D>(z_.dim,
                                [&](Index d, auto n) { sum += cpu::load<D>(x + d, n) * cpu::load<D>(y + d, n); });
      delta[i] = cpu::sum<D>(sum);
    }
    for (int j = 0; j < V; ++j) b.delta[j] = cpu::load<D>(delta + j * L);
  }
  void delta_from_products(Own& own, Block& b) const {
    for (auto& x : b.delta) x = cpu::Floats<D>{};
    for_each_key_block(own, b, [&](Index, Index keys) {
      for (Index i = 0; i < keys; ++i)
        for (int j = 0; j < V; ++j)
          b.delta[j] += cpu::load<D>(own.scores + i * Q + j * L) * cpu::load<D>(own.dp + i * Q + j * L);
    });
  }

  // Calls f(key row, keys) for every block of keys that the queries see, with p in own.scores and dp in own.dp.
  template <class F> void for_each_key_block(Own& own, Block& b, F&& f) const {
    const SegmentsView<D>& keys = a_.keys;
    for (Index row = keys.begin(b.sequence); row < keys.end(b.sequence); row += K) {
      const Visible seen =
          visible_keys<Mask>(b.group, b.range, keys.places() + row, std::min(K, keys.end(b.sequence) - row));
      if (seen.keys == 0) continue;
      const Index at = block_at(b.sequence, a_.kv_head_of(b.head), row) * z_.score_units();
      for (Index i = 0; i < seen.keys; i += R) {
        const int rows = int(std::min(R, seen.keys - i));
        cpu::tile_product<D, Factor>(rows, z_.dim_units, keys_ + at + i * z_.dim_units, own.queries, own.scores + i * Q,
                                     Q, cpu::Sum::fresh);
        cpu::tile_product<D, Factor>(rows, z_.dim_units, values_ + at + i * z_.dim_units, own.d_out, own.dp + i * Q, Q,
                                     cpu::Sum::fresh);
      }
      probabilities(own, b, keys.places() + row, seen);
      f(row, seen.keys);
    }
  }
  void probabilities(Own& own, const Block& b, const Place* keys, Visible seen) const {
    std::uint32_t lanes[Q];
    for (Index i = 0; i < seen.keys; ++i) {
      if (!seen.all) visible_lanes<Mask, Q>(b.group, b.places, keys[i], lanes);
      for (int j = 0; j < V; ++j) {
        float* const at = own.scores + i * Q + j * L;
        auto p = cpu::exp2<D>(cpu::load<D>(at) * scale2_ - b.lse[j]);
        if (!seen.all) p = cpu::load_units<D>(lanes + j * L) != 0u ? p : cpu::Floats<D>{};
        cpu::store<D>(at, p);
      }
    }
  }

  void add_gradients(Own& own, const Block& b, Index row, Index keys) {
    score_gradients(own, b, keys);
    const Index kv_block = block_at(b.sequence, a_.kv_head_of(b.head), row), block = block_at(b.sequence, b.head, row);
    for (Index d = 0; d < z_.dim_rows; d += R)
      cpu::tile_product<D, Factor, int(R)>(cpu::units_of<T>(keys),
                                           key_mix_ + kv_block * z_.mix_units() + d * S::key_units, own.dz_units,
                                           own.dq + d * Q, Q, cpu::Sum::added);
    for (Index c = 0; c < keys; c += Q) {  // lanes are keys now
      const Index n = std::min(Q, keys - c);
      cpu::pack<D, Factor, Q>(cpu::Source<Factor>{own.p_rows + c * Q, Q, 1}, n, Q, own.p_panel);
      cpu::pack<D, Factor, Q>(cpu::Source<Factor>{own.dz_rows + c * Q, Q, 1}, n, Q, own.dz_panel);
      for (Index d = 0; d < z_.dim_rows; d += R) {
        cpu::tile_product<D, Factor, int(R)>(S::query_units, own.d_out_mix + d * S::query_units, own.p_panel,
                                             dv_ + block * block_size() + d * K + c, K, cpu::Sum::added);
        cpu::tile_product<D, Factor, int(R)>(S::query_units, own.query_mix + d * S::query_units, own.dz_panel,
                                             dk_ + block * block_size() + d * K + c, K, cpu::Sum::added);
      }
    }
  }
  // dz = p (dp - delta), without the scale; rows and units of it and of p.
  void score_gradients(Own& own, const Block& b, Index keys) const {
    for (Index i = 0; i < keys; i += 2)
      for (int j = 0; j < V; ++j) {
        const auto one = [&](Index row) -> cpu::Floats<D> {
          if (row >= keys) return cpu::Floats<D>{};
          const Index at = row * Q + j * L;
          const auto p = cpu::load<D>(own.scores + at);
          const cpu::Floats<D> dz = p * (cpu::load<D>(own.dp + at) - b.delta[j]);
          cpu::store<D>(own.p_rows + at, p), cpu::store<D>(own.dz_rows + at, dz);
          return dz;
        };
        const auto first = one(i), second = one(i + 1);
        store_units<D, T>(own.dz_units + i / cpu::per_unit<T> * Q + j * L, first, second);
      }
  }

  // dk and dv of a block of keys: the heads of its group, added and turned back into rows.
  void add_heads(Index sequence, Index kv_head, Index row, Index count) {
    const Index each = a_.heads / a_.kv_heads, first = kv_head * each;
    for (float* all : {dk_, dv_}) {
      float* const sum = all + block_at(sequence, first, row) * block_size();
      for (Index h = first + 1; h < first + each; ++h) {
        const float* const more = all + block_at(sequence, h, row) * block_size();
        for (Index i = 0; i < block_size(); i += L)
          cpu::store<D>(sum + i, cpu::load<D>(sum + i) + cpu::load<D>(more + i));
      }
      const Matrix<T, D>& to = all == dk_ ? g_.dk : g_.dv;
      store_transposed<D>(sum, K, z_.dim, count, all == dk_ ? float(a_.scale()) : 1.0f,
                          to.data + row * to.stride + kv_head * z_.dim, to.stride);
    }
  }

  const AttentionShape<D>& a_;
  S z_;
  Matrix<T, D> q_, k_, v_;
  Matrix<float, D> lse_;
  Gradients<D, T> g_;
  float scale2_;  // scores times this are logarithms to base 2
  Unit *keys_, *values_, *key_mix_;
  float *dk_, *dv_;  // per block and head: (dim_rows, K)
  std::byte* own_;
  Index bytes_;
};

}  // namespace vlt::ops::tiled
