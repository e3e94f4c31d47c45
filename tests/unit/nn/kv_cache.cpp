// A cache changes when rows are computed, not what they are.
#include <functional>
#include <vlt/nn/checkpoint.hpp>
#include <vlt/nn/stack.hpp>
#include "check.hpp"
using namespace vlt;

namespace {

using enum TokenKind;
const std::vector<TokenKind> kinds{text, image, image, text, text, image, text, text, text};

// The rows of one sequence through a stack of up to three blocks, at once or in the given portions; before(first row)
// is called ahead of each.
template <class Block>
std::vector<double> through(
    Stack<Block>& stack, const std::vector<Index>& portions, const std::function<void(Index)>& before = [](Index) {}) {
  auto registry = registry_of<Gold>(stack);
  testing::LooseParameters parameters(registry);
  std::vector<double> x(kinds.size() * 8), y(x.size(), NAN);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(0.7 * double(i));
  Threads threads;
  const auto memory = memory_of_nans(160000);
  Arena a(memory);
  Scope s(a, threads);
  KvCache<Gold> cache(3, stack.blocks.front().layer.kv_width(), Index(kinds.size()));
  const auto rows = [&](std::vector<double>& v, const Segments& b, Index first) {
    auto t = borrow_host<typename Block::in>(v.data() + first * 8, b.rows(), 8);
    t.segments = b;
    return t;
  };
  for (Index n : portions) {
    Segments b;
    const Index first = cache.length();
    b.append(std::vector<TokenKind>(kinds.begin() + first, kinds.begin() + first + n), first);
    cache.append(b);
    before(first);
    stack.extend(s, rows(x, b, first), rows(y, b, first), cache);
  }
  if (portions.empty()) {
    Segments b;
    b.append(kinds);
    stack.infer(s, rows(x, b, 0), rows(y, b, 0));
  }
  CHECK(a.mark().temp == 0);
  CHECK(a.mark().keep == 0);
  return y;
}

template <class Block> void equals_the_whole(const BlockSizes& sizes) {
  Stack<Block> stack(3, sizes);
  const auto whole = through(stack, {});
  for (const auto& portions : {std::vector<Index>{9}, {5, 1, 1, 1, 1}, {1, 3, 2, 3}}) {
    const auto parts = through(stack, portions);
    for (std::size_t i = 0; i < whole.size(); ++i) CHECK(parts[i] == Approx(whole[i]).epsilon(1e-12).margin(1e-12));
  }
}

}  // namespace

TEST_CASE("extending a sequence equals computing it at once") {
  equals_the_whole<LlamaBlock<Gold::frozen, mask::Causal>>(odd_sizes());
  equals_the_whole<LlamaBlock<Gold::frozen, mask::Mmca>>(odd_sizes());
  equals_the_whole<Checkpoint<LlamaBlock<Gold, mask::Causal>>>(odd_sizes());
}

TEST_CASE("rotary angles that follow the length turn each row once, by the length at its time") {
  BlockSizes sizes = odd_sizes();
  sizes.rope.dynamic_factor = 2, sizes.rope.trained_length = 4;
  Stack<LlamaBlock<Gold::frozen, mask::Causal>> stack(1, sizes);
  const auto whole = through(stack, {}), at_once = through(stack, {9}), grown = through(stack, {5, 4});
  for (std::size_t i = 0; i < whole.size(); ++i) CHECK(at_once[i] == Approx(whole[i]).margin(1e-12));

  // The same with the angles of the two lengths given by hand: keys 0..4 and rows 5..8 never meet the dynamic rule.
  const auto fixed = [&](Index length) {
    Rope r;
    for (Index i = 0; i < sizes.head_dim / 2; ++i) r.frequency.push_back(sizes.rope.at(i, length));
    return r;
  };
  Rope& rope = stack.blocks.front().layer.attention.rope;
  const auto by_hand = through(stack, {5, 4}, [&](Index first) { rope = fixed(first == 0 ? 5 : 9); });
  for (std::size_t i = 0; i < whole.size(); ++i) CHECK(grown[i] == Approx(by_hand[i]).margin(1e-12));
  double difference = 0;
  for (std::size_t i = 5 * 8; i < whole.size(); ++i) difference += std::abs(grown[i] - whole[i]);
  CHECK(difference > 1e-3);
}

TEST_CASE("a cache holds one sequence, in order, up to its capacity") {
  KvCache<Gold> cache(2, 12, 4);
  Segments three = equal_segments(1, 3, text), next;
  next.append({text, text}, 3);
  CHECK(cache.bytes() == 2 * 2 * 12 * 4 * sizeof(double));
  cache.append(three);
  CHECK_THROWS_WITH(cache.append(three), Catch::Contains("positions"));
  CHECK_THROWS_WITH(cache.append(next), Catch::Contains("full"));
  CHECK_THROWS_WITH(cache.append(equal_segments(2, 1)), Catch::Contains("one sequence"));
  CHECK(cache.length() == 3);
  cache.clear();
  CHECK(cache.length() == 0);
  CHECK_NOTHROW(cache.append(three));
}
