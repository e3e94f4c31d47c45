// The gradient check is worth what it catches: layers that break one promise each.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/nn/linear.hpp>
#include <vlt/testing/grad_check.hpp>
#include <vlt/testing/mixed_batch.hpp>
using namespace vlt;

namespace {

enum class Mistake {
  none,
  sign,
  overwrites_grad,
  accumulates_dx,
  changes_x,
  leaks,
  allocates_late,
  needs_dx,
  unplanned,
  ignores_stride,
  keeps_temporary
};

// y = x * gain, one gain per channel, and at most one mistake.
template <Mistake M> struct Scale {
  using in = Tokens<space::text, double, under_test>;
  using out = in;
  struct saved {
    in x;
  };
  using P = Policy<under_test, Precision::f64>;
  param_t<P> gain{{1, 4}, Role::vector, {Init::one}};
  static constexpr auto fields() { return members(member<"gain">(&Scale::gain)); }
  Shape out_shape(Shape i) const { return i; }

  void forward(Scope& s, in x, out y, saved& k) {
    if (M == Mistake::unplanned && !s.arena().planning()) s.temp<in>(x.shape());
    Frame frame(s);
    k.x = x;
    auto copy = s.temp<in>(x.shape());
    if (M == Mistake::leaks) s.keep<in>(x.shape());
    s.run("scale", {}, [&] {
      for (Index r = 0; r < y.rows; ++r)
        for (Index c = 0; c < y.cols; ++c) {
          copy(r, c) = x(r, c), y(r, c) = copy(r, c) * gain.value(0, c);
          if (M == Mistake::changes_x) x(r, c) += 1;
          if (M == Mistake::ignores_stride) y.data[r * y.cols + c] = y(r, c);
        }
    });
    if (M == Mistake::keeps_temporary) k.x = copy;
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    if (M == Mistake::allocates_late) s.keep<in>(dy.shape());
    if (M == Mistake::leaks) s.temp<in>(dy.shape());
    s.run("scale_backward", {}, [&] {
      for (Index r = 0; r < dy.rows; ++r)
        for (Index c = 0; c < dy.cols; ++c) {
          const double g = dy(r, c) * k.x(r, c);
          if (M != Mistake::needs_dx || wanted<Dx>) {
            if (M == Mistake::overwrites_grad) gain.grad(0, c) = g;
            else gain.grad(0, c) += M == Mistake::sign ? -g : g;
          }
          if constexpr (wanted<Dx>) {
            const double before = dx.beta != 0 || M == Mistake::accumulates_dx ? dx.m(r, c) : 0;
            dx.m(r, c) = before + dy(r, c) * gain.value(0, c);
          }
        }
    });
  }
};

template <Mistake M> std::string faults() {
  Scale<M> layer;
  const Segments batch = testing::mixed_batch();
  return testing::check_gradients(layer, {batch.rows(), 4}, batch).text();
}

}  // namespace

TEST_CASE("a right layer passes") {
  Scale<Mistake::none> layer;
  const Segments batch = testing::mixed_batch();
  const auto report = testing::check_gradients(layer, {batch.rows(), 4}, batch);
  CHECK(report.ok());
  CHECK(report.tensors == 2);
  CHECK(report.largest > 0.1);
  CHECK(report.bytes == 14 * 4 * sizeof(double));
}

TEST_CASE("every broken promise is reported") {
  using Catch::Contains;
  CHECK_THAT(faults<Mistake::sign>(), Contains("gradient of gain is wrong"));
  CHECK_THAT(faults<Mistake::overwrites_grad>(), Contains("parameter gradients do not accumulate"));
  CHECK_THAT(faults<Mistake::accumulates_dx>(), Contains("dx is not overwritten"));
  CHECK_THAT(faults<Mistake::changes_x>(), Contains("x or dy was changed"));
  CHECK_THAT(faults<Mistake::leaks>(), Contains("memory is not given back"));
  CHECK_THAT(faults<Mistake::allocates_late>(), Contains("memory is not given back"));
  CHECK_THAT(faults<Mistake::ignores_stride>(), Contains("between the rows"));
  CHECK_THAT(faults<Mistake::keeps_temporary>(), Contains("gradient of gain is wrong"));
  CHECK_THAT(faults<Mistake::needs_dx>(), Contains("parameter gradients change under Discard"));
}

TEST_CASE("a layer that needs more than it planned does not get it") {
  CHECK_THROWS_AS(faults<Mistake::unplanned>(), std::bad_alloc);
}
