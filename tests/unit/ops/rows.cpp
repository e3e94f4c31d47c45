// Moves of rows, patches and positions against index arithmetic.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/ops/patchify.hpp>
#include <vlt/ops/positions.hpp>
#include "../cpu/random_matrix.hpp"
using namespace vlt;

namespace {
// A Scope of two threads over a little memory.
struct Bench {
  Buffer<std::byte, under_test> memory{1 << 15};
  Arena arena{memory};
  Threads threads{2};
  Scope s{arena, threads};
};
}  // namespace

TEMPLATE_TEST_CASE("rows are gathered, and added where they came from", "", float, bf16, f16, double) {
  Bench b;
  const std::vector<Index> row{4, -1, 0, 4, 2, 4};
  Twin<TestType> from(5, 37), y(6, 37);
  Twin<float> to(5, 37);
  const Twin<TestType>* untouched = &y;
  const TestType second = untouched->m(1, 36);
  ops::gather_rows(b.s, from.m, row, y.m);
  for (Index i = 0; i < 6; ++i)
    for (Index c = 0; c < 37; ++c)
      if (row[i] >= 0) CHECK(float(y.m(i, c)) == float(from.m(row[i], c)));
  CHECK(float(y.m(1, 36)) == float(second));
  CHECK(y.intact());
  ops::scatter_add_rows(b.s, y.m, row, to.m);
  for (Index i = 0; i < 6; ++i)
    for (Index c = 0; c < 37; ++c)
      if (row[i] >= 0) to.d(row[i], c) += double(y.m(i, c));
  CHECK(to.off(1e-6, 1e-6) < 1);
}

// Patch embedding as one product is the convolution it replaces: stride = kernel = 2 over a 4 x 6 .. image of 3
// channels.
TEMPLATE_TEST_CASE("patchify cuts what a convolution sees", "", float, bf16, f16, double) {
  Bench b;
  for (const auto& [size, patch] : {std::pair<Index, Index>{4, 2}, {18, 9}, {16, 1}}) {
    const Index grid = size / patch;
    Twin<float> pixels(2, 3 * size * size);
    Twin<TestType> cut(2 * grid * grid, 3 * patch * patch);
    ops::patchify(b.s, pixels.m, cut.m, size, patch);
    for (Index image = 0; image < 2; ++image)
      for (Index channel = 0; channel < 3; ++channel)
        for (Index y = 0; y < size; ++y)
          for (Index x = 0; x < size; ++x)
            REQUIRE(float(cut.m(image * grid * grid + y / patch * grid + x / patch,
                                channel * patch * patch + y % patch * patch + x % patch)) ==
                    float(TestType(pixels.m(image, (channel * size + y) * size + x))));
    CHECK(cut.intact());
  }
}

TEMPLATE_TEST_CASE("class token and positions, and their gradients", "", float, double) {
  Bench b;
  Twin<TestType> patches(2 * 4, 19), token(1, 19), position(5, 19), y(2 * 5, 19);
  ops::add_class_and_positions(b.s, patches.m, token.m, position.m, y.m);
  Twin<TestType> d_patches(2 * 4, 19), d_token(1, 19), d_position(5, 19);
  ops::add_class_and_positions_backward(b.s, y.m, d_patches.m, d_token.m, d_position.m, 5);
  for (Index image = 0; image < 2; ++image)
    for (Index i = 0; i < 5; ++i)
      for (Index c = 0; c < 19; ++c) {
        const double own = i == 0 ? token.d(0, c) : patches.d(image * 4 + i - 1, c);
        CHECK(double(y.m(image * 5 + i, c)) == Approx(own + position.d(i, c)).epsilon(1e-6).margin(1e-6));
        const double dy = double(y.m(image * 5 + i, c));
        d_position.d(i, c) += dy;
        if (i == 0) d_token.d(0, c) += dy;
        else d_patches.d(image * 4 + i - 1, c) = dy;
      }
  CHECK(d_patches.off(1e-6, 1e-6) < 1);
  CHECK(d_token.off(2e-6, 1e-6) < 1);
  CHECK(d_position.off(2e-6, 1e-6) < 1);
}

TEMPLATE_TEST_CASE("tables are repeated, repeats are summed, first rows are dropped", "", float, double) {
  Bench b;
  Twin<TestType> table(3, 21), x(6, 21), y(6, 21), one(3, 21), many(6, 21);
  ops::add_repeated(b.s, x.m, table.m, y.m);
  ops::repeat(b.s, table.m, many.m);
  ops::sum_repeats(b.s, y.m, one.m);
  for (Index r = 0; r < 6; ++r)
    for (Index c = 0; c < 21; ++c) {
      CHECK(double(y.m(r, c)) == Approx(x.d(r, c) + table.d(r % 3, c)).epsilon(1e-6).margin(1e-6));
      CHECK(many.m(r, c) == table.m(r % 3, c));
      CHECK(double(one.m(r % 3, c)) ==
            Approx(double(y.m(r % 3, c)) + double(y.m(r % 3 + 3, c))).epsilon(1e-6).margin(1e-6));
    }
  Segments batch;
  batch.append(4), batch.append(2);
  Twin<TestType> rest(4, 21);
  ops::drop_first(b.s, x.m, batch, rest.m);
  const Index kept[] = {1, 2, 3, 5};
  for (Index i = 0; i < 4; ++i)
    for (Index c = 0; c < 21; ++c) CHECK(rest.m(i, c) == x.m(kept[i], c));
  for (double beta : {0.0, 1.0}) {
    Twin<TestType> dx(6, 21);
    for (Index r = 0; r < 6; ++r)
      for (Index c = 0; c < 21; ++c) dx.d(r, c) *= beta;
    for (Index i = 0; i < 4; ++i)
      for (Index c = 0; c < 21; ++c) dx.d(kept[i], c) += double(rest.m(i, c));
    ops::drop_first_backward(b.s, rest.m, batch, dx.m, beta);
    CHECK(dx.off(1e-6, 1e-6) < 1);
  }
}
