// Double precision, whose products and reductions are Eigen's, against the formulas as plain loops.
#include <catch2/catch.hpp>
#include <functional>
#include <unit/device.hpp>
#include <vlt/ops/double_precision.hpp>
#include "../cpu/random_matrix.hpp"
using namespace vlt;

namespace {
using ops::Trans;
using M = Matrix<double, under_test>;
using Epilogue = ops::Epilogue<double, double, under_test>;

// Runs an operation on `threads` threads in the memory that it plans.
void run(int threads, const std::function<void(Scope&)>& operation) {
  Threads team(threads);
  Arena plan;
  Scope planned(plan, team);
  operation(planned);
  const auto memory = memory_of_nans(plan.peak());
  Arena arena(memory);
  Scope s(arena, team);
  operation(s);
}

// Two copies of the same numbers, one for the operation and one for the oracle.
struct Pair {
  Pair(Index rows, Index cols) : of_operation(rows, cols), of_oracle(rows, cols) {
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < cols; ++c) of_oracle.m(r, c) = of_operation.m(r, c);
  }
  double difference() const {
    double worst = of_operation.intact() && of_oracle.intact() ? 0 : 1e9;
    for (Index r = 0; r < of_oracle.m.rows; ++r)
      for (Index c = 0; c < of_oracle.m.cols; ++c) {
        const double e = std::abs(of_operation.m(r, c) - of_oracle.m(r, c)) / (1 + std::abs(of_oracle.m(r, c)));
        if (!(e <= worst)) worst = std::isnan(e) ? 1e9 : e;
      }
    return worst;
  }
  Twin<double> of_operation, of_oracle;
};

// The definition.
template <Trans X> void plain_gemm(M a, M b, M c, const Epilogue& e) {
  for (Index i = 0; i < c.rows; ++i)
    for (Index j = 0; j < c.cols; ++j) {
      double sum = 0;
      for (Index p = 0; p < (X == Trans::tn ? a.rows : a.cols); ++p)
        sum += (X == Trans::tn ? a(p, i) : a(i, p)) * (X == Trans::nt ? b(j, p) : b(p, j));
      sum *= e.alpha;
      if (e.beta != 0) sum += e.beta * c(i, j);
      if (e.bias.rows) sum += e.bias(0, j);
      if (e.residual.rows) sum += e.residual(i, j);
      c(i, j) = ops::reference::activate(e.activation, sum);
    }
}

template <Trans X> double product_error(Shape c, Index k, int parts) {
  CAPTURE(int(X), c.rows, c.cols, k, parts);
  const Twin<double> a(X == Trans::tn ? k : c.rows, X == Trans::tn ? c.rows : k),
      b(X == Trans::nt ? c.cols : k, X == Trans::nt ? k : c.cols), bias(1, c.cols), residual(c.rows, c.cols);
  Pair y(c.rows, c.cols);
  Epilogue e{.alpha = parts & 1 ? 0.5 : 1.0, .beta = parts & 2 ? 0.75 : 0.0};
  if (parts & 4) e.bias = bias.m;
  if (parts & 16) e.activation = Activation::gelu;
  const auto with_residual = [&](const Twin<double>& out) {
    Epilogue f = e;
    if (parts & 8) f.residual = parts & 32 ? out.m : residual.m;  // C itself, or another
    return f;
  };
  if (e.beta == 0 && !(parts & 8)) y.of_operation.m(0, 0) = NAN;  // must not be read
  plain_gemm<X>(a.m, b.m, y.of_oracle.m, with_residual(y.of_oracle));
  run(1 + parts % 3, [&](Scope& s) { ops::gemm<X>(s, a.m, b.m, y.of_operation.m, with_residual(y.of_operation)); });
  return y.difference();
}
}  // namespace

TEST_CASE("products in double are their definition, with every part of the epilogue") {
  int parts = 0;
  for (Shape c : {Shape{1, 1}, Shape{5, 31}, Shape{33, 7}, Shape{70, 90}})
    for (Index k : {1, 9, 300}) {
      for (int i = 0; i < 4; ++i, parts = (parts * 5 + 7) % 64) {
        CHECK(product_error<Trans::nt>(c, k, parts) < 1e-13);
        CHECK(product_error<Trans::nn>(c, k, parts) < 1e-13);
        CHECK(product_error<Trans::tn>(c, k, parts) < 1e-13);
      }
    }
}

TEST_CASE("norms in double are their definition") {
  const Index rows = 9;
  for (Index width : {1, 5, 64, 131}) {
    CAPTURE(width);
    const Twin<double> x(rows, width), w(1, width), b(1, width);
    Twin<double> y(rows, width), z(rows, width), mean(rows, 1), rms(rows, 1), rstd(rows, 1);
    run(2, [&](Scope& s) { ops::rms_norm(s, x.m, w.m, y.m, rms.m, 1e-5); });
    run(2, [&](Scope& s) { ops::layer_norm(s, x.m, w.m, b.m, z.m, mean.m, rstd.m, 1e-5); });
    for (Index r = 0; r < rows; ++r) {
      double sum = 0, squares = 0, variance = 0;
      for (Index c = 0; c < width; ++c) sum += x.m(r, c), squares += x.m(r, c) * x.m(r, c);
      for (Index c = 0; c < width; ++c) variance += std::pow(x.m(r, c) - sum / double(width), 2);
      CHECK(rms.m(r, 0) == Approx(1 / std::sqrt(squares / double(width) + 1e-5)).epsilon(1e-13));
      CHECK(mean.m(r, 0) == Approx(sum / double(width)).epsilon(1e-12).margin(1e-15));
      CHECK(rstd.m(r, 0) == Approx(1 / std::sqrt(variance / double(width) + 1e-5)).epsilon(1e-13));
      for (Index c = 0; c < width; ++c) {
        CHECK(y.m(r, c) == Approx(x.m(r, c) * rms.m(r, 0) * w.m(0, c)).epsilon(1e-13));
        CHECK(z.m(r, c) == Approx((x.m(r, c) - mean.m(r, 0)) * rstd.m(r, 0) * w.m(0, c) + b.m(0, c)).epsilon(1e-12));
      }
    }
    for (const Twin<double>* t : {&y, &z, &mean, &rms, &rstd}) CHECK(t->intact());
  }
}

// Derivatives against differences, as no loop is simpler than that.
TEST_CASE("gradients of norms in double are derivatives") {
  const Index rows = 3, width = 37;
  Twin<double> x(rows, width), y(rows, width), mean(rows, 1), rstd(rows, 1), dx(rows, width);
  const Twin<double> dy(rows, width), w(1, width), b(1, width), before(rows, width);
  for (bool rms : {false, true})
    for (double beta : {0.0, 1.0}) {
      CAPTURE(rms, beta);
      const auto forward = [&] {
        run(1, [&](Scope& s) {
          if (rms) ops::rms_norm(s, x.m, w.m, y.m, rstd.m, 1e-5);
          else ops::layer_norm(s, x.m, w.m, b.m, y.m, mean.m, rstd.m, 1e-5);
        });
        double loss = 0;
        for (Index r = 0; r < rows; ++r)
          for (Index c = 0; c < width; ++c) loss += y.m(r, c) * dy.m(r, c);
        return loss;
      };
      forward();
      for (Index r = 0; r < rows; ++r)
        for (Index c = 0; c < width; ++c) dx.m(r, c) = beta != 0 ? before.m(r, c) : NAN;
      run(2, [&](Scope& s) {
        if (rms) ops::rms_norm_dx(s, dy.m, x.m, w.m, rstd.m, dx.m, beta);
        else ops::layer_norm_dx(s, dy.m, x.m, w.m, mean.m, rstd.m, dx.m, beta);
      });
      for (Index c = 0; c < width; c += 5) {
        const double at = x.m(1, c), step = 1e-5;
        x.m(1, c) = at + step;
        const double above = forward();
        x.m(1, c) = at - step;
        const double below = forward();
        x.m(1, c) = at;
        CHECK(dx.m(1, c) - beta * before.m(1, c) == Approx((above - below) / (2 * step)).epsilon(1e-6).margin(1e-7));
      }
      CHECK(dx.intact());
    }
}

TEST_CASE("sums in double do not depend on where a row lies in memory") {
  const Index width = 37;
  std::vector<double> memory(std::size_t(width + 16)), values(std::size_t(width), 0.0), first;
  for (Index c = 0; c < width; ++c) values[std::size_t(c)] = std::sin(double(c) * 1.3) * 1e3;
  for (Index offset = 0; offset < 9; ++offset) {
    CAPTURE(offset);
    std::copy(values.begin(), values.end(), memory.begin() + offset);
    const M x = borrow_host<M>(memory.data() + offset, 1, width);
    Twin<double> w(1, width), y(1, width), mean(1, 1), rstd(1, 1), rms(1, 1);
    for (Index c = 0; c < width; ++c) w.m(0, c) = 1;
    run(1, [&](Scope& s) { ops::layer_norm(s, x, w.m, w.m, y.m, mean.m, rstd.m, 1e-5); });
    run(1, [&](Scope& s) { ops::rms_norm(s, x, w.m, y.m, rms.m, 1e-5); });
    const std::vector<double> now{mean.m(0, 0), rstd.m(0, 0), rms.m(0, 0)};
    if (offset == 0) first = now;
    CHECK(now == first);
  }
}
