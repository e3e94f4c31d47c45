#pragma once
#include <cmath>
#include <vlt/ops/elementwise.hpp>
#include <vlt/ops/mask.hpp>

namespace vlt::ops {

// The sizes of one attention call; queries and keys may belong to batches of different lengths (perceiver, KV cache),
// but have the same number of sequences: query sequence i reads key sequence i.
struct AttentionShape {
  Index heads, kv_heads, head_dim;
  const Segments* queries;
  const Segments* keys;

  double scale() const { return 1 / std::sqrt(double(head_dim)); }
  double pairs() const {
    double n = 0;
    for (Index i = 0; i < queries->sequences(); ++i)
      n += double(queries->end(i) - queries->begin(i)) * double(keys->end(i) - keys->begin(i));
    return n * double(heads);
  }
  // Calls f(query sequence, head, query row, first key row, key rows).
  template <class F> void for_each_query(F&& f) const {
    for (Index i = 0; i < queries->sequences(); ++i)
      for (Index h = 0; h < heads; ++h)
        for (Index row = queries->begin(i); row < queries->end(i); ++row)
          f(h, row, keys->begin(i), keys->end(i) - keys->begin(i));
  }
};

// z(j) = q . k_j * scale for the keys visible in group g, -inf for the others.
template <class Mask, class T, class A>
void attention_scores(const AttentionShape& a, int g, Index h, Index row, Index first, CpuMatrix<T> q, CpuMatrix<T> k,
                      CpuMatrix<A> z) {
  const Index hq = h * a.head_dim, hk = h / (a.heads / a.kv_heads) * a.head_dim;
  for (Index j = 0; j < z.cols; ++j) {
    z(0, j) = -INFINITY;
    if (!Mask::visible(g, a.queries->place[row], a.keys->place[first + j])) continue;
    A dot = 0;
    for (Index d = 0; d < a.head_dim; ++d) dot += A(q(row, hq + d)) * A(k(first + j, hk + d));
    z(0, j) = dot * A(a.scale());
  }
}

// q, o: (queries, heads * head_dim); k, v: (keys, kv_heads * head_dim); lse: (queries, heads * groups), kept for
// backward. o = sum over groups of softmax(q k^T / sqrt(head_dim)) v
template <class Mask, class T, class A>
void attention(Scope& s, const AttentionShape& a, CpuMatrix<T> q, CpuMatrix<T> k, CpuMatrix<T> v, CpuMatrix<T> o,
               CpuMatrix<A> lse) {
  Frame frame(s);
  auto scores = s.temp<CpuMatrix<A>>({1, a.keys->longest()}), sum_v = s.temp<CpuMatrix<A>>({1, a.head_dim});
  const Cost cost{4.0 * a.pairs() * double(a.head_dim) * Mask::groups,
                  sizeof(T) * double(2 * q.size() + k.size() + v.size())};
  s.run("attention", cost, [&] {
    a.for_each_query([&](Index h, Index row, Index first, Index count) {
      const Index hq = h * a.head_dim, hk = h / (a.heads / a.kv_heads) * a.head_dim;
      auto z = columns(scores, 0, count);
      for (Index d = 0; d < a.head_dim; ++d) sum_v(0, d) = 0;
      for (int g = 0; g < Mask::groups; ++g) {
        attention_scores<Mask>(a, g, h, row, first, q, k, z);
        A top = -INFINITY, sum = 0;
        for (Index j = 0; j < count; ++j) top = std::max(top, z(0, j));
        for (Index j = 0; j < count; ++j) sum += top == -INFINITY ? A(0) : std::exp(z(0, j) - top);
        lse(row, h * Mask::groups + g) = top + std::log(sum);
        if (sum == 0) continue;
        for (Index j = 0; j < count; ++j) {
          const A p = std::exp(z(0, j) - top) / sum;
          for (Index d = 0; d < a.head_dim; ++d) sum_v(0, d) += p == 0 ? A(0) : p * A(v(first + j, hk + d));
        }
      }
      for (Index d = 0; d < a.head_dim; ++d) o(row, hq + d) = T(sum_v(0, d));
    });
  });
}

// p is recomputed from lse:  dv = p^T do,  dz = p (dp - sum_j p dp) scale with dp = do v^T,  dq = dz k,  dk = dz^T q.
// Each group has its own sum_j p dp, so one row-wise do . o is not enough when there are two.
template <class Mask, class T, class A>
void attention_backward(Scope& s, const AttentionShape& a, CpuMatrix<T> d_o, CpuMatrix<T> q, CpuMatrix<T> k,
                        CpuMatrix<T> v, CpuMatrix<A> lse, CpuMatrix<T> dq, CpuMatrix<T> dk, CpuMatrix<T> dv) {
  Frame frame(s);
  const Index longest = a.keys->longest();
  auto p = s.temp<CpuMatrix<A>>({1, longest}), dp = s.temp<CpuMatrix<A>>({1, longest}),
       sum_q = s.temp<CpuMatrix<A>>({1, a.head_dim});
  auto sum_k = s.temp<CpuMatrix<A>>(k.shape()),
       sum_v = s.temp<CpuMatrix<A>>(v.shape());  // 16-bit types never hold a running sum
  fill(s, sum_k, 0), fill(s, sum_v, 0);
  const Cost cost{10.0 * a.pairs() * double(a.head_dim) * Mask::groups,
                  sizeof(T) * double(4 * q.size() + 2 * k.size() + 2 * v.size())};
  s.run("attention_backward", cost, [&] {
    a.for_each_query([&](Index h, Index row, Index first, Index count) {
      const Index hq = h * a.head_dim, hk = h / (a.heads / a.kv_heads) * a.head_dim;
      for (Index d = 0; d < a.head_dim; ++d) sum_q(0, d) = 0;
      for (int g = 0; g < Mask::groups; ++g) {
        attention_scores<Mask>(a, g, h, row, first, q, k, columns(p, 0, count));
        A delta = 0;
        for (Index j = 0; j < count; ++j) {
          p(0, j) = p(0, j) == -INFINITY ? A(0) : std::exp(p(0, j) - lse(row, h * Mask::groups + g));
          dp(0, j) = 0;
          for (Index d = 0; d < a.head_dim; ++d) dp(0, j) += A(d_o(row, hq + d)) * A(v(first + j, hk + d));
          delta += p(0, j) * dp(0, j);
        }
        for (Index j = 0; j < count; ++j) {
          const A dz = p(0, j) * (dp(0, j) - delta) * A(a.scale());
          for (Index d = 0; d < a.head_dim; ++d) {
            sum_v(first + j, hk + d) += p(0, j) * A(d_o(row, hq + d));
            sum_q(0, d) += dz * A(k(first + j, hk + d));
            sum_k(first + j, hk + d) += dz * A(q(row, hq + d));
          }
        }
      }
      for (Index d = 0; d < a.head_dim; ++d) dq(row, hq + d) = T(sum_q(0, d));
    });
  });
  convert(s, sum_k, dk), convert(s, sum_v, dv);
}

}  // namespace vlt::ops
