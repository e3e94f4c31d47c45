#pragma once
#include <vlt/base/parallel.hpp>
#include <vlt/ops/attention_tiles.hpp>

namespace vlt::ops::tiled {

// o = sum over groups of softmax(q k^T / sqrt(dim)) v, block by block with running maxima and sums
// (Dao et al. 2022; Milakov, Gimelshein 2018). Keys and values are packed once, then every block of queries of every
// head is a task of its own.
template <class Mask, Device D, class T> class Forward {
  using S = Sizes<D, T>;
  using Factor = cpu::Factor<T>;
  static constexpr Index R = S::R, Q = S::Q, K = S::K, L = cpu::lanes<D>;
  static constexpr int V = cpu::Tile<D>::vectors;

 public:
  Forward(const AttentionShape<D>& a, Matrix<T, D> q, Matrix<T, D> k, Matrix<T, D> v, Matrix<T, D> o,
          Matrix<float, D> lse, std::byte* work, int threads)
      : a_(a), z_(a), q_(q), k_(k), v_(v), o_(o), lse_(lse), scale2_(float(a.scale() * 1.4426950408889634)) {
    Cutter cut(work);
    const Index all = S::blocks(a.keys) * a.kv_heads;
    keys_ = cut.cut<Unit>(all * z_.score_units());
    values_ = cut.cut<Unit>(all * z_.mix_units());
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
      for_each_block(a_.queries, a_.heads, Q, thread, count,
                     [&](Index i, Index h, Index row, Index n) { attend(own, i, h, row, n); });
    });
  }

 private:
  // What one thread works with: packed queries, scores (K, Q), probabilities, sums (dim, Q) of a group and of all.
  struct Own {
    Unit *queries, *probabilities;
    float *scores, *sums, *total;
    Index bytes;
    Own(const S& z, std::byte* base) {
      Cutter cut(base);
      queries = cut.cut<Unit>(z.query_panel_units());
      probabilities = cut.cut<Unit>(S::key_units * Q);
      scores = cut.cut<float>((K + 1) * Q);
      sums = cut.cut<float>(z.dim_rows * Q);
      total = cut.cut<float>(Mask::groups > 1 ? z.dim_rows * Q : 0);
      bytes = cut.bytes();
    }
  };
  // The running softmax of a block of queries: the largest score so far (times log2 e) and the sum of powers.
  struct Running {
    cpu::Floats<D> top[V], sum[V];
  };

  Index block_at(Index sequence, Index kv_head, Index row) const {
    return kv_head * S::blocks(a_.keys) + S::first_block(a_.keys, sequence) + (row - a_.keys.begin(sequence)) / K;
  }
  void pack_keys(Index sequence, Index kv_head, Index row, Index count) {
    const Index block = block_at(sequence, kv_head, row);
    cpu::pack_panels<D, T, R>(rows_as_lanes(k_, row, kv_head, z_.dim), count, z_.dim, keys_ + block * z_.score_units());
    pack_mix<D, T>(z_, dims_as_lanes(v_, row, kv_head, z_.dim), count, K, values_ + block * z_.mix_units());
  }

  void attend(Own& own, Index sequence, Index head, Index row, Index count) {
    cpu::pack<D, T, Q>(rows_as_lanes(q_, row, head, z_.dim), count, z_.dim, own.queries);
    Place places[Q];
    for (Index lane = 0; lane < Q; ++lane) places[lane] = a_.queries.places()[row + std::min(lane, count - 1)];
    const auto range = mask::Range::of(places, count);
    if (Mask::groups > 1) std::fill_n(own.total, z_.dim_rows * Q, 0.0f);
    for (int g = 0; g < Mask::groups; ++g) {
      Running r;
      for (int j = 0; j < V; ++j) r.top[j] = cpu::broadcast<D>(unseen), r.sum[j] = cpu::Floats<D>{};
      attend_to_keys(own, r, g, sequence, head, places, range);
      finish_group(own, r, g, head, row, count);
    }
    store_transposed<D>(Mask::groups > 1 ? own.total : own.sums, Q, z_.dim, count, 1.0f,
                        o_.data + row * o_.stride + head * z_.dim, o_.stride);
  }
  void attend_to_keys(Own& own, Running& r, int g, Index sequence, Index head, const Place* places,
                      const mask::Range& range) {
    const SegmentsView<D>& keys = a_.keys;
    bool fresh = true;
    for (Index row = keys.begin(sequence); row < keys.end(sequence); row += K) {
      const Visible seen = visible_keys<Mask>(g, range, keys.places() + row, std::min(K, keys.end(sequence) - row));
      if (seen.keys == 0) continue;
      const Index block = block_at(sequence, a_.kv_head_of(head), row);
      scores(own, keys_ + block * z_.score_units(), seen.keys);
      if (!seen.all) hide(own, g, places, keys.places() + row, seen.keys);
      cpu::Floats<D> shrink[V];
      soften(own, r, seen.keys, shrink);
      mix(own, values_ + block * z_.mix_units(), seen.keys, shrink, fresh);
      fresh = false;
    }
    if (fresh) std::fill_n(own.sums, z_.dim_rows * Q, 0.0f);
  }

  void scores(Own& own, const Unit* keys, Index count) const {
    for (Index i = 0; i < count; i += R)
      cpu::tile_product<D, Factor>(int(std::min(R, count - i)), z_.dim_units, keys + i * z_.dim_units, own.queries,
                                   own.scores + i * Q, Q, cpu::Sum::fresh);
  }
  void hide(Own& own, int g, const Place* queries, const Place* keys, Index count) const {
    std::uint32_t seen[Q];
    for (Index i = 0; i < count; ++i) {
      visible_lanes<Mask, Q>(g, queries, keys[i], seen);
      for (Index j = 0; j < Q; j += L) {
        const auto s = cpu::load<D>(own.scores + i * Q + j);
        cpu::store<D>(own.scores + i * Q + j, cpu::load_units<D>(seen + j) != 0u ? s : cpu::broadcast<D>(hidden));
      }
    }
  }
  // Scores become probabilities relative to the new largest score; `shrink` is what earlier sums are worth now.
  void soften(Own& own, Running& r, Index count, cpu::Floats<D> (&shrink)[V]) const {
    float* const s = own.scores;
    if (count % cpu::per_unit<T>)
      std::fill_n(s + count * Q, Q, 10 * hidden);  // the odd half of the last unit: weight 0
    for (int j = 0; j < V; ++j) {
      auto top = cpu::broadcast<D>(hidden);
      for (Index i = 0; i < count; ++i) top = cpu::larger<D>(top, cpu::load<D>(s + i * Q + j * L));
      top = cpu::larger<D>(r.top[j], top * scale2_);
      shrink[j] = cpu::exp2<D>(r.top[j] - top);
      r.top[j] = top;
      auto sum = r.sum[j] * shrink[j];
      for (Index i = 0; i < count; i += 2) {
        const auto a = cpu::exp2<D>(cpu::load<D>(s + i * Q + j * L) * scale2_ - top),
                   b = i + 1 < count ? cpu::exp2<D>(cpu::load<D>(s + (i + 1) * Q + j * L) * scale2_ - top)
                                     : cpu::Floats<D>{};
        sum += a + b;
        store_units<D, T>(own.probabilities + i / cpu::per_unit<T> * Q + j * L, a, b);
      }
      r.sum[j] = sum;
    }
  }
  void mix(Own& own, const Unit* values, Index count, const cpu::Floats<D> (&shrink)[V], bool fresh) const {
    for (Index d = 0; !fresh && d < z_.dim_rows; ++d)
      for (int j = 0; j < V; ++j) {
        float* const at = own.sums + d * Q + j * L;
        cpu::store<D>(at, cpu::load<D>(at) * shrink[j]);
      }
    for (Index d = 0; d < z_.dim_rows; d += R)
      cpu::tile_product<D, Factor, int(R)>(cpu::units_of<T>(count), values + d * S::key_units, own.probabilities,
                                           own.sums + d * Q, Q, fresh ? cpu::Sum::fresh : cpu::Sum::added);
  }
  void finish_group(Own& own, Running& r, int g, Index head, Index row, Index count) const {
    alignas(64) float top[Q], sum[Q];
    cpu::Floats<D> share[V];
    for (int j = 0; j < V; ++j) {
      const auto seen = r.top[j] > unseen;  // a query that saw nothing gets nothing
      share[j] = seen ? 1.0f / r.sum[j] : cpu::Floats<D>{};
      cpu::store<D>(top + j * L, r.top[j]), cpu::store<D>(sum + j * L, r.sum[j]);
    }
    for (Index i = 0; i < count; ++i)
      lse_(row + i, head * Mask::groups + g) =
          top[i] > unseen ? float(double(top[i]) * 0.6931471805599453 + std::log(double(sum[i]))) : -INFINITY;
    float* const to = Mask::groups > 1 ? own.total : own.sums;
    for (Index d = 0; d < z_.dim_rows; ++d)
      for (int j = 0; j < V; ++j) {
        auto part = cpu::load<D>(own.sums + d * Q + j * L) * share[j];
        if (Mask::groups > 1) part += cpu::load<D>(to + d * Q + j * L);
        cpu::store<D>(to + d * Q + j * L, part);
      }
  }

  const AttentionShape<D>& a_;
  S z_;
  Matrix<T, D> q_, k_, v_, o_;
  Matrix<float, D> lse_;
  float scale2_;  // scores times this are logarithms to base 2
  Unit *keys_, *values_;
  std::byte* own_;
  Index bytes_;
};

}  // namespace vlt::ops::tiled
