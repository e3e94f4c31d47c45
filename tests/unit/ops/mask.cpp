// Masks against their definition, and attention in double against the definition of softmax: written down from the
// paper, not from the code.
#include <catch2/catch.hpp>
#include <functional>
#include <unit/device.hpp>
#include "../cpu/random_matrix.hpp"
#include "attention_cases.hpp"
using namespace vlt;

namespace {
constexpr Index heads = 4, kv_heads = 2, dim = 3;
using Wide = Twin<double>::Wide;
using Sees = std::function<bool(Index query, Index key)>;  // rows of the batch

struct Inputs {
  Twin<double> q, k, v;
  explicit Inputs(Index rows) : q(rows, heads * dim), k(rows, kv_heads * dim), v(rows, kv_heads * dim) {}
};
double softmax_of(const Segments& b, Inputs& in, Index row, Index h, Index d, const Sees& sees) {
  double sum = 0, weighted = 0;
  for (Index i = 0; i < b.sequences(); ++i)
    for (Index j = b.begin(i); j < b.end(i); ++j) {
      if (row < b.begin(i) || row >= b.end(i) || !sees(row, j)) continue;
      double z = 0;
      for (Index c = 0; c < dim; ++c) z += in.q.d(row, h * dim + c) * in.k.d(j, h / 2 * dim + c);
      const double e = std::exp(z / std::sqrt(3.0));
      sum += e, weighted += e * in.v.d(j, h / 2 * dim + d);
    }
  return sum > 0 ? weighted / sum : 0;
}
template <class Mask>
Wide attend(const Segments& queries, const Segments& keys, Wide q, Wide k, Wide v, Twin<double>& o) {
  const Buffer<std::byte, under_test> memory(1 << 17);
  Arena arena(memory);
  Threads threads(1);
  Scope s(arena, threads);
  const auto lse = s.temp<Wide>({queries.rows(), heads * Mask::groups});
  ops::attention<Mask>(s, {heads, kv_heads, dim, queries, keys}, q, k, v, o.d, lse);
  return o.d;
}
template <class Mask> double off_definition(const std::vector<Sees>& groups) {
  const Segments b = packed_batch();
  Inputs in(b.rows());
  Twin<double> o(b.rows(), heads * dim);
  attend<Mask>(b, b, in.q.d, in.k.d, in.v.d, o);
  double worst = 0;
  for (Index r = 0; r < b.rows(); ++r)
    for (Index h = 0; h < heads; ++h)
      for (Index d = 0; d < dim; ++d) {
        double want = 0;
        for (const Sees& g : groups) want += softmax_of(b, in, r, h, d, g);
        worst = std::max(worst, std::abs(want - o.d(r, h * dim + d)));
      }
  return worst;
}
}  // namespace

TEST_CASE("masks are their definitions") {
  const Segments b = packed_batch();
  const auto image = [&](Index r) { return b.place[r].kind == TokenKind::image; };
  CHECK(off_definition<mask::Causal>({[](Index i, Index j) { return j <= i; }}) < 1e-14);
  CHECK(off_definition<mask::Bidirectional>({[](Index, Index) { return true; }}) < 1e-14);
  CHECK(off_definition<mask::Mmca>({[&](Index i, Index j) { return image(i) ? i == j : j <= i && image(j); },
                                    [&](Index i, Index j) { return !image(i) && j <= i && !image(j); }}) < 1e-14);
}

TEST_CASE("under MMCA an image row's output is exactly its own value") {
  const Segments b = packed_batch();
  Inputs in(b.rows());
  Twin<double> o(b.rows(), heads * dim);
  attend<mask::Mmca>(b, b, in.q.d, in.k.d, in.v.d, o);
  for (Index r = 0; r < b.rows(); ++r)
    for (Index c = 0; b.place[r].kind == TokenKind::image && c < heads * dim; ++c)
      REQUIRE(o.d(r, c) == in.v.d(r, c / dim / 2 * dim + c % dim));
}

// The last three of seven tokens as queries against all seven as keys: what a KV cache asks for.
TEST_CASE("late queries alone give what they give in the whole") {
  Segments all, late;
  all.append(7), late.append(std::vector<TokenKind>(3, TokenKind::text), 4);
  Inputs in(7);
  Twin<double> full(7, heads * dim), part(3, heads * dim);
  attend<mask::Causal>(all, all, in.q.d, in.k.d, in.v.d, full);
  attend<mask::Causal>(late, all, row_range(in.q.d, 4, 3), in.k.d, in.v.d, part);
  for (Index r = 0; r < 3; ++r)
    for (Index c = 0; c < heads * dim; ++c) CHECK(part.d(r, c) == full.d(r + 4, c));
}

// What a mask says about blocks must agree with what it says about pairs; otherwise tiles are skipped wrongly.
TEMPLATE_TEST_CASE("coverage of blocks agrees with visible pairs", "", mask::Causal, mask::Mmca, mask::Bidirectional) {
  const Segments b = packed_batch();
  const Place* const place = &b.place[std::size_t(b.begin(3))];
  const Index n = b.end(3) - b.begin(3);
  int kinds[3] = {};
  for (int g = 0; g < TestType::groups; ++g)
    for (Index i = 0; i < n; i += 9)
      for (Index j = 0; j < n; j += 7) {
        const Index queries = std::min<Index>(20, n - i), keys = std::min<Index>(16, n - j);
        Index seen = 0;
        for (Index x = 0; x < queries; ++x)
          for (Index y = 0; y < keys; ++y) seen += TestType::visible(g, place[i + x], place[j + y]);
        const auto c = TestType::coverage(g, mask::Range::of(place + i, queries), mask::Range::of(place + j, keys));
        ++kinds[int(c)];
        if (c == mask::Coverage::none) REQUIRE(seen == 0);
        if (c == mask::Coverage::all) REQUIRE(seen == queries * keys);
      }
  CHECK(kinds[int(mask::Coverage::all)] > 0);
}
