// Depth as data: stacks, recomputation, inference without saved activations, packing.
#include <vlt/nn/checkpoint.hpp>
#include <vlt/nn/stack.hpp>
#include "check.hpp"
using namespace vlt;

namespace {

using P = Gold::adapted;
using Block = LlamaBlock<P, mask::Mmca>;
using View = Tokens<space::text, double, under_test>;

template <class B> Stack<B> stack_of(Index depth) {
  Stack<B> s(std::max<Index>(depth, 1), odd_sizes());
  attach_adapters(registry_of<P>(s), {"q_proj", "v_proj"}, 2, 3.0);
  s.blocks.resize(std::size_t(depth));
  return s;
}
View view(std::vector<double>& v, const Segments& b) {
  View t = borrow_host<View>(v.data(), b.rows(), 8);
  t.segments = b;
  return t;
}
std::vector<double> wave(Index n, double f) {
  std::vector<double> v(std::size_t(n), 0.0);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = std::sin(f * double(i) + 0.2);
  return v;
}

struct Outcome {
  std::vector<double> y, dx, grads;
  std::size_t forward_peak = 0, peak = 0, infer_peak = 0, kept_after = 0;
  Cost cost;
};
template <class L> Outcome run(L& layer, const Segments& b, std::vector<double> x, std::vector<double> dy) {
  auto registry = registry_of<P>(layer);
  testing::LooseParameters memory(registry);
  Threads threads;
  Outcome o;
  o.y.resize(x.size()), o.dx.resize(x.size());
  Buffer<std::byte, under_test> bytes;
  for (bool plan : {true, false}) {
    Arena a = plan ? Arena() : Arena(bytes);
    Scope s(a, threads);
    typename L::saved k;
    layer.forward(s, view(x, b), view(o.y, b), k);
    o.forward_peak = a.peak();
    layer.backward(s, view(dy, b), overwrite(view(o.dx, b)), k);
    o.peak = a.peak(), o.cost = s.total(), o.kept_after = a.mark().keep;
    if (plan) bytes = memory_of_nans(o.peak);
  }
  Arena a;
  Scope s(a, threads);
  infer(s, layer, view(x, b), view(o.y, b));
  o.infer_peak = a.peak();
  for (auto& p : registry.params)
    if (p.trains()) append_values(o.grads, *p.grad);
  return o;
}

}  // namespace

TEST_CASE("stacks of any depth") {
  for (Index depth : {0, 1, 3}) check("Stack of " + std::to_string(depth), stack_of<Block>(depth));
}
TEST_CASE("recomputed blocks") {
  check("Checkpoint", Checkpoint<Block>(odd_sizes()));
  check("Stack of 3 Checkpoint", stack_of<Checkpoint<Block>>(3));
}

TEST_CASE("recomputing gives the same bits in less memory; inference needs one block's") {
  const Segments batch = testing::mixed_batch();
  const auto x = wave(batch.rows() * 8, 0.7), dy = wave(batch.rows() * 8, 0.9);
  auto plain4 = stack_of<Block>(4), plain8 = stack_of<Block>(8);
  auto check4 = stack_of<Checkpoint<Block>>(4), check8 = stack_of<Checkpoint<Block>>(8);
  const Outcome p4 = run(plain4, batch, x, dy), p8 = run(plain8, batch, x, dy);
  const Outcome c4 = run(check4, batch, x, dy), c8 = run(check8, batch, x, dy);
  CHECK((p4.y == c4.y && p4.dx == c4.dx && p4.grads == c4.grads));
  CHECK(c4.peak < p4.peak);
  CHECK(c8.peak - c4.peak < p8.peak - p4.peak);
  CHECK(c4.cost.flops > p4.cost.flops);
  CHECK(p4.kept_after == std::size_t(batch.rows() * 8) * sizeof(double));  // all but the first block's output
  CHECK(p8.kept_after == p4.kept_after);
  CHECK(p4.infer_peak == p8.infer_peak);
  CHECK(p4.infer_peak < p4.forward_peak);
}

TEST_CASE("packed sequences give what each gives alone") {
  const Segments batch = testing::mixed_batch();
  const auto x = wave(batch.rows() * 8, 0.7), dy = wave(batch.rows() * 8, 0.9);
  auto stack = stack_of<Block>(3);
  const Outcome packed = run(stack, batch, x, dy);
  std::vector<double> y, dx;
  for (Index i = 0; i < batch.sequences(); ++i) {
    Segments one;
    one.offset.push_back(batch.end(i) - batch.begin(i));
    one.place.assign(batch.place.begin() + batch.begin(i), batch.place.begin() + batch.end(i));
    const auto part = [&](const std::vector<double>& v) {
      return std::vector<double>(v.begin() + batch.begin(i) * 8, v.begin() + batch.end(i) * 8);
    };
    const Outcome alone = run(stack, one, part(x), part(dy));
    y.insert(y.end(), alone.y.begin(), alone.y.end()), dx.insert(dx.end(), alone.dx.begin(), alone.dx.end());
  }
  CHECK(y == packed.y);
  CHECK(dx == packed.dx);
}
