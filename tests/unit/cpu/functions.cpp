// Vector functions against the library's, over the range that matters to training, with the ends.
#include <catch2/catch.hpp>
#include <limits>
#include <vlt/cpu/functions.hpp>
#include "isa.hpp"
using namespace vlt;

namespace {
// The largest error of f over [from, to], relative to the value but at least to `floor`.
template <Device D, class F, class G> double worst(float from, float to, double floor, F&& f, G&& exact) {
  constexpr int n = 20000, L = cpu::lanes<D>;
  double most = 0;
  for (int i = 0; i < n; i += L) {
    float x[L], y[L];
    for (int j = 0; j < L; ++j) x[j] = from + (to - from) * float(i + j) / float(n - 1);
    cpu::store<D>(y, f(cpu::load<D>(x)));
    for (int j = 0; j < L; ++j) {
      const double want = exact(double(x[j])), e = std::abs(double(y[j]) - want) / std::max(std::abs(want), floor);
      if (!(e <= most)) most = std::isnan(e) ? 1e9 : e;
    }
  }
  return most;
}
template <Device D> float exp2_of(float x) { return cpu::exp2<D>(cpu::broadcast<D>(x))[0]; }
}  // namespace

TEST_CASE("exponentials and what is made of them") {
  for_each_isa([]<Device D>() {
    CAPTURE(name_of(D));
    using V = cpu::Floats<D>;
    CHECK(worst<D>(
              -125, 127, 0, [](V x) { return cpu::exp2<D>(x); }, [](double x) { return std::exp2(x); }) < 2e-7);
    CHECK(worst<D>(
              -10, 10, 0, [](V x) { return cpu::exp<D>(x); }, [](double x) { return std::exp(x); }) < 1e-6);
    CHECK(worst<D>(
              -20, 20, 1e-30, [](V x) { return cpu::sigmoid<D>(x); }, [](double x) { return 1 / (1 + std::exp(-x)); }) <
          2e-6);
    CHECK(worst<D>(
              -9, 9, 1, [](V x) { return cpu::tanh<D>(x); }, [](double x) { return std::tanh(x); }) < 3e-7);
    CHECK(worst<D>(
              -6, 6, 1, [](V x) { return cpu::normal_below<D>(x); },
              [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }) < 3e-7);
  });
}

TEST_CASE("exponentials at the ends") {
  for_each_isa([]<Device D>() {
    CAPTURE(name_of(D));
    const float inf = std::numeric_limits<float>::infinity();
    CHECK(exp2_of<D>(-inf) == 0);
    CHECK(exp2_of<D>(-1e30f) == 0);
    CHECK(exp2_of<D>(-127) == 0);
    CHECK(exp2_of<D>(0) == 1);
    CHECK(exp2_of<D>(127) == std::exp2(127.0f));
    CHECK(exp2_of<D>(1000) == std::exp2(127.0f));
    CHECK(std::isnan(exp2_of<D>(std::numeric_limits<float>::quiet_NaN())));
  });
}

TEST_CASE("rounding to bf16 is the one of the type") {
  for_each_isa([]<Device D>() {
    CAPTURE(name_of(D));
    const float values[] = {0, 1, -3, 1.00390625f, 1.01171875f, 65535, 3.4e38f, -1e-20f, INFINITY, NAN};
    for (float v : values) {
      bf16 out[cpu::lanes<D>];
      cpu::store<D>(out, cpu::broadcast<D>(v));
      CAPTURE(v);
      if (std::isnan(v)) CHECK(std::isnan(float(out[0])));
      else CHECK(out[0].bits == bf16(v).bits);
      CHECK(out[cpu::lanes<D> - 1].bits == out[0].bits);
    }
  });
}

// The scalar conversion, and every half that there is.
TEST_CASE("fp16 in registers is the type's") {
  for_each_isa([]<Device D>() {
    CAPTURE(name_of(D));
    constexpr int L = cpu::lanes<D>;
    const auto same = [](float a, float b) { return std::isnan(a) ? std::isnan(b) : a == b; };
    for (std::uint32_t h = 0; h < 0x10000; h += L) {
      f16 from[L], back[L];
      for (int i = 0; i < L; ++i) from[i].bits = std::uint16_t(h + std::uint32_t(i));
      const auto v = cpu::load<D>(from);
      cpu::store<D>(back, v);
      for (int i = 0; i < L; ++i)
        if (!same(from[i], v[i]) || !same(from[i], back[i])) FAIL("half " << h + std::uint32_t(i));
      CHECK(std::signbit(v[0]) == (h >= 0x8000));
    }
    for (std::uint64_t bits = 0x32000000; bits < 0x48000000; bits += 977) {  // 2^-27 to 2^17
      const auto x = std::bit_cast<float>(std::uint32_t(bits));
      f16 out[2 * L];
      cpu::store<D>(out, cpu::broadcast<D>(x)), cpu::store<D>(out + L, cpu::broadcast<D>(-x));
      if (out[0].bits != f16(x).bits || out[2 * L - 1].bits != f16(-x).bits) FAIL(x << " becomes " << out[0].bits);
    }
    for (float x :
         {65504.0f, 65519.996f, 65520.0f, 1e30f, INFINITY, 0x1p-25f, 0x1.000002p-25f, 0x1.8p-24f, 0x1.ffcp-15f}) {
      f16 out[L];
      cpu::store<D>(out, cpu::broadcast<D>(x));
      CHECK(out[0].bits == f16(x).bits);
    }
  });
}

TEST_CASE("partial registers touch what they are told to") {
  for_each_isa([]<Device D>() {
    constexpr int L = cpu::lanes<D>;
    for (int count = 1; count < L; ++count) {
      CAPTURE(name_of(D), count);
      float from[2 * L], to[2 * L];
      bf16 narrow[2 * L];
      f16 half[2 * L];
      for (int i = 0; i < 2 * L; ++i) from[i] = float(i + 1), to[i] = -1, narrow[i] = bf16(-1.0f), half[i] = f16(-1.0f);
      const auto v = cpu::load<D>(from, count);
      cpu::store<D>(to, v, count);
      cpu::store<D>(narrow, v, count);
      cpu::store<D>(half, v, count);
      const auto back = cpu::load<D>(narrow, count), halves = cpu::load<D>(half, count);
      for (int i = 0; i < L; ++i) {
        CHECK(v[i] == (i < count ? float(i + 1) : 0));
        CHECK(back[i] == (i < count ? float(i + 1) : 0));
        CHECK(halves[i] == (i < count ? float(i + 1) : 0));
        CHECK(float(half[i]) == (i < count ? float(i + 1) : -1));
        CHECK(to[i] == (i < count ? float(i + 1) : -1));
        CHECK(float(narrow[i]) == (i < count ? float(i + 1) : -1));
      }
      float sum = 0;
      for (int i = 0; i < count; ++i) sum += float(i + 1);
      CHECK(cpu::sum<D>(v) == sum);
      CHECK(cpu::largest<D>(v) == float(count));
    }
  });
}
