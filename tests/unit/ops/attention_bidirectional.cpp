#include "attention_cases.hpp"

TEMPLATE_TEST_CASE("tiled attention is attention: bidirectional", "", float, vlt::bf16, vlt::f16) {
  check_mask<vlt::mask::Bidirectional, TestType>();
}

// The queries of a perceiver: as many sequences as the keys, but of other lengths.
TEMPLATE_TEST_CASE("tiled attention from few queries to many keys", "", float, vlt::bf16, vlt::f16) {
  vlt::Segments queries, keys;
  queries.append(3, vlt::TokenKind::image), queries.append(50);
  keys.append(131), keys.append(20);
  for_each_isa([&]<vlt::Device D>() {
    check_attention<vlt::mask::Bidirectional, D, TestType>({2, 1, 7, queries, keys}, 2);
  });
}
