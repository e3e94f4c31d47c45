// Packing against its definition: unit u of lane w holds elements u * per_unit ... along the contraction.
#include <catch2/catch.hpp>
#include <vlt/cpu/panels.hpp>
#include "isa.hpp"
#include "random_matrix.hpp"
using namespace vlt;

namespace {
template <Device D, class T, class X, int W> Index wrong_units(Index count, Index depth, bool along_depth) {
  Twin<X> m(along_depth ? count : depth, along_depth ? depth : count);
  const cpu::Source<X> from{m.m.data, along_depth ? m.m.stride : 1, along_depth ? 1 : m.m.stride};
  const Index units = cpu::units_of<T>(depth), panels = (count + W - 1) / W;
  std::vector<cpu::Unit> out(std::size_t(panels * units * W + W), 77);
  cpu::pack_panels<D, T, W>(from, count, depth, out.data());
  const auto element = [&](Index lane, Index k) {
    return lane < count && k < depth ? from.data[lane * from.lane_stride + k * from.depth_stride] : X(0.0f);
  };
  Index wrong = 0;
  for (Index p = 0; p < panels; ++p)
    for (Index u = 0; u < units; ++u)
      for (Index w = 0; w < W; ++w) {
        const Index k = u * cpu::per_unit<T>, lane = p * W + w;
        wrong +=
            out[(p * units + u) * W + w] != cpu::unit_of<T>(element(lane, k), element(lane, k + cpu::per_unit<T> - 1));
      }
  for (int i = 0; i < W; ++i) wrong += out[out.size() - 1 - i] != 77;  // nothing behind the last panel
  return wrong;
}
template <Device D, class T, class X, int W> void check() {
  for (Index count : {1, 3, W - 1, W, W + 1, 4 * W, 5 * W + 2})
    for (Index depth : {1, 2, 5, 16, 31, 32, 33, 70})
      for (bool along_depth : {false, true}) {
        CAPTURE(name_of(D), W, sizeof(T), sizeof(X), count, depth, along_depth);
        CHECK(wrong_units<D, T, X, W>(count, depth, along_depth) == 0);
      }
}
}  // namespace

TEST_CASE("panels hold what they should") {
  for_each_isa([]<Device D>() {
    check<D, float, float, cpu::Tile<D>::rows>();
    check<D, bf16, bf16, cpu::Tile<D>::rows>();
    check<D, float, float, cpu::Tile<D>::cols>();
    check<D, bf16, bf16, cpu::Tile<D>::cols>();
    check<D, bf16, float, cpu::Tile<D>::cols>();
    check<D, f16, f16, cpu::Tile<D>::rows>();
    check<D, f16, f16, cpu::Tile<D>::cols>();
  });
}

// Rows packed in any pieces, from masters or from the compute copy, are the panels of the whole; unpacking gives them
// back.
TEMPLATE_TEST_CASE("weights packed by rows are packed weights", "", float, bf16, f16) {
  for_each_isa([]<Device D>() {
    for (const auto& shape : {Shape{1, 1}, {7, 50}, {97, 33}, {130, 64}}) {
      const Index out = shape.rows, in = shape.cols;
      CAPTURE(name_of(D), out, in);
      Twin<float> master(out, in);
      using M = Matrix<const float, D>;
      const M w{master.m.data, out, in, master.m.stride};
      const auto size = [](Index bytes) { return std::size_t(bytes) / sizeof(TestType); };
      const Index forward = cpu::panel_bytes<TestType, D>(out, in), backward = cpu::panel_bytes<TestType, D>(in, out);
      std::vector<TestType> f(size(forward)), b(size(backward)), f2 = f, b2 = b;
      cpu::pack_forward<TestType, D>(w, f.data(), 0, out);
      cpu::pack_backward<TestType, D>(w, b.data(), 0, out);
      for (Index row = 0, step = 1; row < out; row += step, step = 1 + (step * 5 + 3) % 60) {
        const Index rows = std::min(step, out - row);
        cpu::pack_forward<TestType, D>(w, f2.data(), row, rows);
        cpu::pack_backward<TestType, D>(w, b2.data(), row, rows);
      }
      const auto same = [](const auto& x, const auto& y) {
        return std::equal(x.begin(), x.end(), y.begin(), [](TestType p, TestType q) { return float(p) == float(q); });
      };
      CHECK(same(f, f2));
      CHECK(same(b, b2));
      std::vector<float> rows(std::size_t(out * in));
      cpu::unpack_forward<TestType, D>(f.data(), in, rows.data(), 0, out);
      const auto right = [&] {
        for (Index r = 0; r < out; ++r)
          for (Index c = 0; c < in; ++c)
            if (rows[std::size_t(r * in + c)] != float(TestType(master.m(r, c)))) return false;
        return true;
      };
      CHECK(right());
      std::fill(rows.begin(), rows.end(), 0.0f);
      cpu::unpack_backward<TestType, D>(b.data(), out, in, rows.data(), 0, out);
      CHECK(right());
    }
  });
}
