// Results do not depend on the number of threads, and the work memory planned is the work memory used.
#include <catch2/catch.hpp>
#include <functional>
#include <unit/device.hpp>
#include <vlt/ops/activation.hpp>
#include <vlt/ops/attention.hpp>
#include <vlt/ops/cross_entropy.hpp>
#include <vlt/ops/gemm.hpp>
#include <vlt/ops/norm.hpp>
#include <vlt/ops/rope.hpp>
#include "../cpu/random_matrix.hpp"
using namespace vlt;

namespace {
// Plans the operation, runs it in exactly that memory (and not in less), and returns the bits of y.
template <class T>
std::vector<float> result(int threads_count, Twin<T>& y, const std::function<void(Scope&)>& operation) {
  Threads threads(threads_count);
  Arena plan;
  Scope planned(plan, threads);
  operation(planned);
  if (plan.peak() > 0) {
    const Buffer<std::byte, under_test> less(Index(plan.peak() - Arena::granule));
    Arena tight(less);
    Scope s(tight, threads);
    CHECK_THROWS_AS(operation(s), std::bad_alloc);
  }
  const Index guard = 64;
  const auto memory = memory_of_nans(plan.peak() + guard);
  Arena arena(memory, plan.peak());
  Scope s(arena, threads);
  operation(s);
  for (const std::byte b : memory.part(Index(plan.peak()), guard)) CHECK(b == std::byte(0xff));
  CHECK(arena.peak() == plan.peak());
  CHECK(s.total() == planned.total());
  CHECK(arena.mark().temp == 0);
  std::vector<float> bits;
  for (Index r = 0; r < y.m.rows; ++r)
    for (Index c = 0; c < y.m.cols; ++c) bits.push_back(float(y.m(r, c)));
  return bits;
}
template <class T> void same_bits_for_any_threads(Twin<T>& y, const std::function<void(Scope&)>& operation) {
  const auto one = result(1, y, operation);
  for (int n : {2, 3, 8}) {
    CAPTURE(n);
    CHECK(result(n, y, operation) == one);
  }
}
using enum ops::Trans;
}  // namespace

TEST_CASE("products do not depend on threads") {
  Twin<bf16> a(150, 900), w(200, 900), y(150, 200);
  Twin<float> stream(150, 200), dw(200, 900), bias(1, 200);
  same_bits_for_any_threads(y, [&](Scope& s) { ops::gemm<nt>(s, a.m, w.m, y.m, {.bias = bias.m}); });
  same_bits_for_any_threads(stream, [&](Scope& s) { ops::gemm<nt>(s, a.m, w.m, stream.m); });
  same_bits_for_any_threads(dw, [&](Scope& s) { ops::gemm<tn>(s, y.m, a.m, dw.m); });
}

TEMPLATE_TEST_CASE("a packed weight is the same weight", "", bf16, f16) {
  Twin<TestType> x(70, 900), w(200, 900), y(70, 200), packed_y(70, 200), dx(70, 900), packed_dx(70, 900);
  Weight<TestType, under_test> packed;
  packed.rows = 200, packed.cols = packed.stride = 900, packed.packed = true;
  const auto panels = [](Index n, Index k) {
    return Buffer<TestType, under_test>(cpu::panel_bytes<TestType, under_test>(n, k) / Index(sizeof(TestType)));
  };
  const auto forward = panels(200, 900), backward = panels(900, 200);
  const Matrix<const TestType, under_test> all{w.m.data, 200, 900, w.m.stride};
  cpu::pack_forward<TestType, under_test>(all, forward.data(), 0, 200);
  cpu::pack_backward<TestType, under_test>(all, backward.data(), 0, 200);
  packed.forward_panels = forward.address(), packed.backward_panels = backward.address();
  const auto rows = result(2, y, [&](Scope& s) { ops::gemm<nt>(s, x.m, w.m, y.m); });
  CHECK(result(2, packed_y, [&](Scope& s) { ops::gemm<nt>(s, x.m, packed, packed_y.m); }) == rows);
  const auto back = result(2, dx, [&](Scope& s) { ops::gemm<nn>(s, y.m, w.m, dx.m); });
  CHECK(result(2, packed_dx, [&](Scope& s) { ops::gemm<nn>(s, y.m, packed, packed_dx.m); }) == back);
}

TEST_CASE("a sum over rows does not depend on how many rows are multiplied at once") {
  Twin<bf16> a(400, 1700), w(60, 1700);
  Twin<float> all(400, 60), few(7, 60);
  const auto whole = result(2, all, [&](Scope& s) { ops::gemm<nt>(s, a.m, w.m, all.m); });
  const auto part = result(1, few, [&](Scope& s) { ops::gemm<nt>(s, row_range(a.m, 390, 7), w.m, few.m); });
  CHECK(std::equal(part.begin(), part.end(), whole.begin() + 390 * 60));
}

TEST_CASE("attention does not depend on threads") {
  Segments b;
  b.append(150), b.append(31);
  Twin<bf16> q(b.rows(), 64), k(b.rows(), 32), v(b.rows(), 32), o(b.rows(), 64), d_o(b.rows(), 64), dq(b.rows(), 64),
      dk(b.rows(), 32), dv(b.rows(), 32);
  Twin<float> lse(b.rows(), 4);
  const ops::AttentionShape<under_test> a{4, 2, 16, b, b};
  const auto forward = [&](Scope& s) { ops::attention<mask::Causal>(s, a, q.m, k.m, v.m, o.m, lse.m); };
  const auto backward = [&](Scope& s) {
    ops::attention_backward<mask::Causal>(s, a, d_o.m, q.m, k.m, v.m, lse.m, dq.m, dk.m, dv.m);
  };
  same_bits_for_any_threads(o, forward);
  for (Twin<bf16>* y : {&dq, &dk, &dv}) same_bits_for_any_threads(*y, backward);
}

TEST_CASE("norms, activations, rotations and losses do not depend on threads") {
  Twin<float> x(300, 200), dx(300, 200), rstd(300, 1), mean(300, 1), dw(1, 200), db(1, 200), logits(70, 900);
  Twin<bf16> w(1, 200), y(300, 200), dy(300, 200);
  same_bits_for_any_threads(y, [&](Scope& s) { ops::rms_norm(s, x.m, w.m, y.m, rstd.m, 1e-5); });
  same_bits_for_any_threads(dx, [&](Scope& s) { ops::rms_norm_dx(s, dy.m, x.m, w.m, rstd.m, dx.m, 0); });
  same_bits_for_any_threads(y, [&](Scope& s) { ops::layer_norm(s, x.m, w.m, w.m, y.m, mean.m, rstd.m, 1e-5); });
  same_bits_for_any_threads(dw, [&](Scope& s) {
    ops::fill(s, dw.m, 0);
    ops::rms_norm_dw(s, dy.m, x.m, rstd.m, dw.m);
  });
  same_bits_for_any_threads(dw, [&](Scope& s) {
    ops::fill(s, dw.m, 0);
    ops::layer_norm_dw(s, dy.m, x.m, mean.m, rstd.m, dw.m);
  });
  same_bits_for_any_threads(db, [&](Scope& s) {
    ops::fill(s, db.m, 0);
    ops::add_row_sums(s, dy.m, db.m);
  });
  same_bits_for_any_threads(y, [&](Scope& s) { ops::activation(s, Activation::gelu, dy.m, y.m); });
  Segments b;
  b.append(300);
  Twin<bf16> turned(300, 200);
  const Rope rope = Rope::plain(20, 100);
  same_bits_for_any_threads(turned, [&](Scope& s) {
    ops::convert(s, dy.m, turned.m);
    ops::rope(s, turned.m, b, rope, ops::Turn::forward);
  });
  std::vector<Index> target(70, 5);
  Twin<bf16> dlogits(70, 900);
  same_bits_for_any_threads(dlogits, [&](Scope& s) {
    Frame frame(s);
    const auto copy = s.temp<Matrix<float, under_test>>({70, 900});
    ops::convert(s, logits.m, copy);
    ops::softmax_cross_entropy(s, copy, target, 0.1, dlogits.m, s.temp<Matrix<double, under_test>>({70, 1}));
  });
}
