#pragma once
#include <vlt/ops/attention_backward.hpp>
#include <vlt/ops/attention_forward.hpp>
#include <vlt/ops/attention_reference.hpp>
#include <vlt/ops/elementwise.hpp>
#include <vlt/ops/mask.hpp>

namespace vlt::ops {

// q, o: (queries, heads * head_dim); k, v: (keys, kv_heads * head_dim); lse: (queries, heads * groups), kept for
// backward: the logarithm of the sum of exponentials, -inf where a group shows nothing.
// o = sum over groups of softmax(q k^T / sqrt(head_dim)) v
template <class Mask, Device D, class T, class A>
void attention(Scope& s, const AttentionShape<D>& a, Matrix<T, D> q, Matrix<T, D> k, Matrix<T, D> v, Matrix<T, D> o,
               Matrix<A, D> lse) {
  Frame frame(s);
  const Cost cost{4.0 * a.pairs() * double(a.head_dim) * Mask::groups,
                  sizeof(T) * double(2 * q.size() + k.size() + v.size())};
  if constexpr (std::is_same_v<A, double>) {
    auto scores = s.temp<Matrix<A, D>>({1, a.keys.longest()}), sum_v = s.temp<Matrix<A, D>>({1, a.head_dim});
    s.run("attention", cost, [&] { reference::attention<Mask>(a, q, k, v, o, lse, scores, sum_v); });
  } else {
    using Tiled = tiled::Forward<Mask, D, T>;
    const int threads = s.threads().count();
    const Index bytes = Tiled(a, q, k, v, o, lse, nullptr, threads).bytes();
    std::byte* work = s.temp<Matrix<std::byte, D>>({1, bytes}).data;
    s.run("attention", cost, [&] { Tiled(a, q, k, v, o, lse, work, threads).run(s.threads()); });
  }
}

// p is recomputed from lse:  dv = p^T do,  dz = p (dp - sum_j p dp) scale with dp = do v^T,  dq = dz k,  dk = dz^T q.
// Each group has its own sum_j p dp. With one group it is do . o, if `o` is given: that saves two products of seven.
template <class Mask, Device D, class T, class A>
void attention_backward(Scope& s, const AttentionShape<D>& a, Matrix<T, D> d_o, Matrix<T, D> q, Matrix<T, D> k,
                        Matrix<T, D> v, Matrix<A, D> lse, Matrix<T, D> dq, Matrix<T, D> dk, Matrix<T, D> dv,
                        Matrix<T, D> o = {}) {
  Frame frame(s);
  const Cost cost{10.0 * a.pairs() * double(a.head_dim) * Mask::groups,
                  sizeof(T) * double(4 * q.size() + 2 * k.size() + 2 * v.size())};
  if constexpr (std::is_same_v<A, double>) {
    const Index longest = a.keys.longest();
    auto p = s.temp<Matrix<A, D>>({1, longest}), dp = s.temp<Matrix<A, D>>({1, longest}),
         sum_q = s.temp<Matrix<A, D>>({1, a.head_dim});
    auto sum_k = s.temp<Matrix<A, D>>(k.shape()), sum_v = s.temp<Matrix<A, D>>(v.shape());
    fill(s, sum_k, 0), fill(s, sum_v, 0);
    s.run("attention_backward", cost,
          [&] { reference::attention_backward<Mask>(a, d_o, q, k, v, lse, dq, sum_k, sum_v, p, dp, sum_q); });
    convert(s, sum_k, dk), convert(s, sum_v, dv);
  } else {
    using Tiled = tiled::Backward<Mask, D, T>;
    const tiled::Gradients<D, T> g{d_o, o, dq, dk, dv};
    const int threads = s.threads().count();
    const Index bytes = Tiled(a, q, k, v, lse, g, nullptr, threads).bytes();
    std::byte* work = s.temp<Matrix<std::byte, D>>({1, bytes}).data;
    s.run("attention_backward", cost, [&] { Tiled(a, q, k, v, lse, g, work, threads).run(s.threads()); });
  }
}

}  // namespace vlt::ops
