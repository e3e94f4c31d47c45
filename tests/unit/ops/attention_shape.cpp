// What attention counts, and which heads belong together.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/ops/attention_shape.hpp>

using namespace vlt;

TEST_CASE("every head pairs the queries of a sequence with the keys of the same") {
  Segments queries, keys;
  queries.append(3), queries.append(2);
  keys.append(4), keys.append(1);
  const ops::AttentionShape<under_test> a{6, 2, 16, queries, keys};
  CHECK(a.pairs() == 6 * (3 * 4 + 2 * 1));
  CHECK(a.scale() == 0.25);
}

TEST_CASE("neighbouring heads share keys and values") {
  const Segments none;
  const ops::AttentionShape<under_test> a{6, 2, 16, none, none};
  std::string shared;
  for (Index h = 0; h < 6; ++h) shared += std::to_string(a.kv_head_of(h));
  CHECK(shared == "000111");
}
