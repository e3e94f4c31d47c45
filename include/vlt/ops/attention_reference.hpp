#pragma once
#include <algorithm>
#include <vlt/ops/attention_shape.hpp>
#include <vlt/tensor/matrix.hpp>

// Attention as its definition says, one query at a time: the oracle, and the path of double precision.
namespace vlt::ops::reference {

// Calls f(head, query row, first key row, key rows).
template <Device D, class F> void for_each_query(const AttentionShape<D>& a, F&& f) {
  for (Index i = 0; i < a.queries.sequences(); ++i)
    for (Index h = 0; h < a.heads; ++h)
      for (Index row = a.queries.begin(i); row < a.queries.end(i); ++row)
        f(h, row, a.keys.begin(i), a.keys.end(i) - a.keys.begin(i));
}

// z(j) = q . k_j * scale for the keys visible in group g, -inf for the others.
template <class Mask, Device D, class T, class A>
void attention_scores(const AttentionShape<D>& a, int g, Index h, Index row, Index first, Matrix<T, D> q,
                      Matrix<T, D> k, Matrix<A, D> z) {
  const Index hq = h * a.head_dim, hk = a.kv_head_of(h) * a.head_dim;
  for (Index j = 0; j < z.cols; ++j) {
    z(0, j) = -INFINITY;
    if (!Mask::visible(g, a.queries.places()[row], a.keys.places()[first + j])) continue;
    A dot = 0;
    for (Index d = 0; d < a.head_dim; ++d) dot += A(q(row, hq + d)) * A(k(first + j, hk + d));
    z(0, j) = dot * A(a.scale());
  }
}

// scores: (1, longest key sequence), sum: (1, head_dim)
template <class Mask, Device D, class T, class A>
void attention(const AttentionShape<D>& a, Matrix<T, D> q, Matrix<T, D> k, Matrix<T, D> v, Matrix<T, D> o,
               Matrix<A, D> lse, Matrix<A, D> scores, Matrix<A, D> sum_v) {
  for_each_query(a, [&](Index h, Index row, Index first, Index count) {
    const Index hq = h * a.head_dim, hk = a.kv_head_of(h) * a.head_dim;
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
}

// sum_k, sum_v: zeros of the shape of k; p, dp: (1, longest key sequence); sum_q: (1, head_dim)
template <class Mask, Device D, class T, class A>
void attention_backward(const AttentionShape<D>& a, Matrix<T, D> d_o, Matrix<T, D> q, Matrix<T, D> k, Matrix<T, D> v,
                        Matrix<A, D> lse, Matrix<T, D> dq, Matrix<A, D> sum_k, Matrix<A, D> sum_v, Matrix<A, D> p,
                        Matrix<A, D> dp, Matrix<A, D> sum_q) {
  for_each_query(a, [&](Index h, Index row, Index first, Index count) {
    const Index hq = h * a.head_dim, hk = a.kv_head_of(h) * a.head_dim;
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
}

}  // namespace vlt::ops::reference
