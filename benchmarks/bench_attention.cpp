// Attention, forward and backward. Only pairs that the mask shows count as work; backward is 2.5 times forward.
#include <vlt/ops/attention.hpp>
#include "cases.hpp"

namespace {
using namespace vlt;

struct Sizes {
  Index tokens, heads, kv_heads, head_dim;
};
constexpr Sizes shapes[] = {{512, 9, 3, 64}, {1024, 9, 3, 64}, {2048, 9, 3, 64}, {577, 16, 16, 64}, {2048, 8, 8, 128}};

// Queries, keys and values of one sequence with their gradients.
struct Call {
  explicit Call(Sizes c) : sizes(c) {
    batch.append(c.tokens);
    const Index wide = c.heads * c.head_dim, narrow = c.kv_heads * c.head_dim;
    memory = bench::numbers<bf16>(c.tokens * (4 * wide + 4 * narrow));
    lse_memory = bench::Memory<float>(c.tokens * c.heads);
    Index at = 0;
    for (auto* m : {&q, &o, &d_o, &dq, &k, &v, &dk, &dv}) {
      const Index cols = m == &q || m == &o || m == &d_o || m == &dq ? wide : narrow;
      *m = {memory.address(at), c.tokens, cols, cols};
      at += c.tokens * cols;
    }
    lse = {lse_memory.address(), c.tokens, c.heads, c.heads};
  }
  ops::AttentionShape<Device::cpu> shape() const { return {sizes.heads, sizes.kv_heads, sizes.head_dim, batch, batch}; }

  Sizes sizes;
  Segments batch;
  bench::Memory<bf16> memory;
  bench::Memory<float> lse_memory;
  Matrix<bf16, Device::cpu> q, k, v, o, d_o, dq, dk, dv;
  Matrix<float, Device::cpu> lse;
};

std::unique_ptr<bench::Case> make(Sizes sizes, Pass pass) {
  const auto call = std::make_shared<Call>(sizes);
  const auto operation = [c = call.get(), pass](Scope& s) {
    if (pass == Pass::forward) ops::attention<mask::Causal>(s, c->shape(), c->q, c->k, c->v, c->o, c->lse);
    else
      ops::attention_backward<mask::Causal>(s, c->shape(), c->d_o, c->q, c->k, c->v, c->lse, c->dq, c->dk, c->dv, c->o);
  };
  auto made = std::make_unique<bench::ScopeCase>(operation, call);
  const double visible = double(sizes.tokens) * double(sizes.tokens + 1) / 2 * double(sizes.heads);
  made->flops = 4 * visible * double(sizes.head_dim) * (pass == Pass::forward ? 1 : 2.5);
  made->run();  // backward reads what forward wrote: not NaN is enough
  return made;
}
}  // namespace

int main(int argc, char** argv) {
  for (const Sizes& c : shapes)
    for (Pass pass : {Pass::forward, Pass::backward})
      bench::add<bf16>("attention/causal/" + std::to_string(c.tokens) + "_tokens/" + std::to_string(c.heads) + "_" +
                           std::to_string(c.kv_heads) + "_heads_of_" + std::to_string(c.head_dim) +
                           (pass == Pass::forward ? "/forward" : "/backward"),
                       [=] { return make(c, pass); });
  return bench::run(argc, argv);
}
