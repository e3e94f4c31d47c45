// Attention and its gradient on the device, against the definition in double.
#include <catch2/catch.hpp>
#include <simt/device_twin.hpp>
#include <vlt/ops/attention_reference.hpp>
#include <vlt/ops/kernel/attention_backward.hpp>
#include <vlt/ops/kernel/attention_forward.hpp>
#include <vlt/ops/mask.hpp>
using namespace vlt;
using simt::test::DeviceTwin;
using simt::test::DeviceVector;
using simt::test::launch;
using simt::test::under_all_schedules;
using Sizes = ops::AttentionShape<Device::cpu>;
using Wide = Matrix<double, Device::cpu>;

namespace {
// Text and images in packed sequences, one of them longer than a tile, one of a single row.
Segments packed() {
  using enum TokenKind;
  Segments b;
  b.append(1);
  b.append({text, image, image, text, text, image, image});
  std::vector<TokenKind> kinds;
  for (int i = 0; i < 70; ++i) kinds.push_back((i > 10 && i < 40) || (i > 60 && i < 63) ? image : text);
  b.append(kinds);
  return b;
}
Index dim_of(Index head_dim) { return head_dim <= 64 ? 64 : head_dim <= 80 ? 80 : head_dim <= 96 ? 96 : 128; }

// A batch's rows on the device.
struct OnDevice {
  explicit OnDevice(const SegmentsView<Device::cpu>& s)
      : offset(std::vector<Index>(s.offsets(), s.offsets() + s.sequences() + 1)),
        place(std::vector<Place>(s.places(), s.places() + s.rows())) {}
  const DeviceVector<Index> offset;
  const DeviceVector<Place> place;
  ops::kernel::PackedRows<Place> rows() const { return {offset.data(), place.data()}; }
};

// One call forward and back. Rows begin at multiples of 16 bytes: gaps of 8.
template <class T, class Mask, int Dim> struct Call {
  explicit Call(const Sizes& sizes) : a(sizes), on_queries(sizes.queries), on_keys(sizes.keys) {
    REQUIRE(dim_of(a.head_dim) == Dim);
  }
  using Rows = ops::kernel::PackedRows<Place>;
  using M = mask::InKernels<Mask>;
  const Sizes a;
  const OnDevice on_queries, on_keys;
  const Index queries = a.queries.rows(), keys = a.keys.rows(), wide = a.heads * a.head_dim,
              narrow = a.kv_heads * a.head_dim, n = a.keys.longest();
  DeviceTwin<T> q{queries, wide, 1, 8}, k{keys, narrow, 1, 8}, v{keys, narrow, 1, 8}, o{queries, wide, 1, 8},
      d_o{queries, wide, 1, 8}, dq{queries, wide, 1, 8}, dk{keys, narrow, 1, 8}, dv{keys, narrow, 1, 8};
  DeviceTwin<float> lse{queries, a.heads*Mask::groups}, delta{queries, a.heads*Mask::groups};
  std::vector<double> memory = std::vector<double>(std::size_t(2 * n + a.head_dim));
  const Wide p = borrow_host<Wide>(memory.data(), 1, n), dp = borrow_host<Wide>(memory.data() + n, 1, n),
             sum = borrow_host<Wide>(memory.data() + 2 * n, 1, a.head_dim);
  const int heads = int(a.heads), kv_heads = int(a.kv_heads), head_dim = int(a.head_dim);
  const float scale = float(a.scale());
  const Index query_tiles = Rows::tiles(a.queries.offsets(), a.queries.sequences()),
              key_tiles = Rows::tiles(a.keys.offsets(), a.keys.sequences());

  void forward() {
    launch(ops::kernel::AttentionForward<T, M, Dim>{q.read(), k.read(), v.read(), o.rows(), lse.rows(),
                                                    on_queries.rows(), on_keys.rows(), query_tiles, heads, kv_heads,
                                                    head_dim, scale});
    ops::reference::attention<Mask>(a, q.d, k.d, v.d, o.d, lse.d, p, sum);
    CHECK(o.off(5.12 * unit<T>, unit<T>) < 1);
    lse.off(1, 1);
    for (Index r = 0; r < queries; ++r)
      for (Index c = 0; c < lse.d.cols; ++c) {
        if (std::isinf(lse.d(r, c))) REQUIRE(lse.host.m(r, c) == -INFINITY);
        else REQUIRE(lse.host.m(r, c) == Approx(lse.d(r, c)).epsilon(1e-5).margin(1e-5));
      }
  }
  void backward() {
    launch(ops::kernel::AttentionQueryGradient<T, M, Dim>{
        q.read(), o.read(), d_o.read(), k.read(), v.read(), lse.read(), delta.rows(), dq.rows(), on_queries.rows(),
        on_keys.rows(), query_tiles, heads, kv_heads, head_dim, scale});
    launch(ops::kernel::AttentionKeyGradient<T, M, Dim>{q.read(), d_o.read(), k.read(), v.read(), lse.read(),
                                                        delta.read(), dk.rows(), dv.rows(), on_queries.rows(),
                                                        on_keys.rows(), key_tiles, heads, kv_heads, head_dim, scale});
    for (Index r = 0; r < keys; ++r)
      for (Index c = 0; c < narrow; ++c) dk.d(r, c) = dv.d(r, c) = 0;
    ops::reference::attention_backward<Mask>(a, d_o.d, q.d, k.d, v.d, lse.d, dq.d, dk.d, dv.d, p, dp, sum);
    const double spread = 15.36 * unit<T>;
    CHECK(dq.off(spread, 2 * unit<T>) < 1);
    CHECK(dk.off(spread, 2 * unit<T>) < 1);
    CHECK(dv.off(spread, 2 * unit<T>) < 1);
  }
};
template <class T, class Mask, int Dim> void check(const Sizes& a) {
  CAPTURE(a.heads, a.kv_heads, a.head_dim, Dim);
  Call<T, Mask, Dim> call(a);
  call.forward();
  call.backward();
}
}  // namespace

TEST_CASE("attention on the device is attention: causal") {
  const Segments b = packed();
  under_all_schedules([&] { check<bf16, mask::Causal, 64>({2, 1, 64, b, b}); });
  check<f16, mask::Causal, 64>({1, 1, 64, b, b});
  check<bf16, mask::Causal, 64>({1, 1, 24, b, b});
  check<bf16, mask::Causal, 80>({1, 1, 80, b, b});
  check<bf16, mask::Causal, 96>({1, 1, 96, b, b});
  check<bf16, mask::Causal, 128>({1, 1, 120, b, b});
}

TEST_CASE("attention on the device is attention: text and images apart") {
  const Segments b = packed();
  check<bf16, mask::Mmca, 64>({2, 1, 64, b, b});
  check<bf16, mask::Mmca, 128>({1, 1, 128, b, b});
}

TEST_CASE("attention on the device is attention: more keys than queries, and fewer") {
  Segments few, many;
  few.append(3), few.append(20), few.append(1);
  many.append(130), many.append(64), many.append(5);
  check<bf16, mask::Bidirectional, 64>({2, 1, 64, few, many});
  check<bf16, mask::Bidirectional, 64>({1, 1, 64, many, few});
  // The last queries of sequences whose keys were there before, as with a cache.
  Segments last;
  last.append(std::vector<TokenKind>(2, TokenKind::text), 128);
  last.append(std::vector<TokenKind>(1, TokenKind::text), 63);
  last.append(std::vector<TokenKind>(5, TokenKind::text), 0);
  check<bf16, mask::Causal, 64>({4, 2, 64, last, many});
}
