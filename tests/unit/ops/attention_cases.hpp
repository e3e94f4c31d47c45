#pragma once
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/ops/attention.hpp>
#include "../cpu/isa.hpp"
#include "../cpu/random_matrix.hpp"
#include "../cpu/work_memory.hpp"

// Text and images in packed sequences, one of them longer than a block of keys and of queries.
inline vlt::Segments packed_batch() {
  using enum vlt::TokenKind;
  vlt::Segments b;
  b.append(7);
  b.append({text, image, image, text, text});
  b.append(1);
  std::vector<vlt::TokenKind> kinds;
  for (int i = 0; i < 230; ++i) kinds.push_back((i > 20 && i < 90) || (i > 150 && i < 160) ? image : text);
  b.append(kinds);
  return b;
}

// Forward and backward of tiled attention against the loops in double; backward with and without the output.
template <class Mask, vlt::Device D, class T>
void check_attention(const vlt::ops::AttentionShape<D>& a, int threads_count) {
  using namespace vlt;
  CAPTURE(name_of(D), sizeof(T), a.heads, a.kv_heads, a.head_dim);
  const Index queries = a.queries.rows(), keys = a.keys.rows(), wide = a.heads * a.head_dim,
              narrow = a.kv_heads * a.head_dim;
  Twin<T, D> q(queries, wide), k(keys, narrow), v(keys, narrow), o(queries, wide), d_o(queries, wide),
      dq(queries, wide), dk(keys, narrow), dv(keys, narrow);
  Twin<float, D> lse(queries, a.heads * Mask::groups);
  std::vector<double> row(std::size_t(2 * a.keys.longest() + a.head_dim));
  const Index n = a.keys.longest();
  using Wide = Matrix<double, D>;
  const auto p = borrow_host<Wide>(row.data(), 1, n), dp = borrow_host<Wide>(row.data() + n, 1, n),
             sum = borrow_host<Wide>(row.data() + 2 * n, 1, a.head_dim);
  ops::reference::attention<Mask>(a, q.d, k.d, v.d, o.d, lse.d, p, sum);
  fill_values(dk.d, 0.0), fill_values(dv.d, 0.0);
  ops::reference::attention_backward<Mask>(a, d_o.d, q.d, k.d, v.d, lse.d, dq.d, dk.d, dv.d, p, dp, sum);

  Threads threads(threads_count);
  using Forward = ops::tiled::Forward<Mask, D, T>;
  WorkMemory work(Forward(a, q.m, k.m, v.m, o.m, lse.m, nullptr, threads_count).bytes());
  Forward(a, q.m, k.m, v.m, o.m, lse.m, work.data(), threads_count).run(threads);
  CHECK(work.guard_intact());
  const double rounding = sizeof(T) == 2 ? 5.12 * unit<T> : 4e-6;
  CHECK(o.off(rounding, unit<T>) < 1);
  for (Index r = 0; r < lse.m.rows; ++r)  // -inf where a group shows nothing
    for (Index c = 0; c < lse.m.cols; ++c)
      if (std::isinf(lse.d(r, c)) && lse.m(r, c) == -INFINITY) lse.m(r, c) = 0, lse.d(r, c) = 0;
  CHECK(lse.off(3e-6, 1e-6) < 1);
  for (Index r = 0; r < lse.m.rows; ++r)
    for (Index c = 0; c < lse.m.cols; ++c)
      if (lse.m(r, c) == 0 && lse.d(r, c) == 0) lse.m(r, c) = -INFINITY;

  using Backward = ops::tiled::Backward<Mask, D, T>;
  for (bool output_given : {false, true}) {
    CAPTURE(output_given);
    for (Twin<T, D>* g : {&dq, &dk, &dv})
      for (Index r = 0; r < g->m.rows; ++r) std::fill_n(&g->m(r, 0), g->m.cols, T(NAN));
    const ops::tiled::Gradients<D, T> g{d_o.m, output_given ? o.m : Matrix<T, D>{}, dq.m, dk.m, dv.m};
    WorkMemory memory(Backward(a, q.m, k.m, v.m, lse.m, g, nullptr, threads_count).bytes());
    Backward(a, q.m, k.m, v.m, lse.m, g, memory.data(), threads_count).run(threads);
    CHECK(memory.guard_intact());
    const double spread = sizeof(T) == 2 ? 15.36 * unit<T> : 2e-5;
    CHECK(dq.off(spread, 2 * unit<T>) < 1);
    CHECK(dk.off(spread, 2 * unit<T>) < 1);
    CHECK(dv.off(spread, 2 * unit<T>) < 1);
  }
}

template <class Mask, class T> void check_mask() {
  const vlt::Segments b = packed_batch();
  for_each_isa([&]<vlt::Device D>() {
    check_attention<Mask, D, T>({4, 2, 16, b, b}, 1);
    check_attention<Mask, D, T>({3, 1, 13, b, b}, 2);
    check_attention<Mask, D, T>({1, 1, 64, b, b}, 3);
    check_attention<Mask, D, T>({1, 1, 256, b, b}, 1);
  });
}
