// The head of a language model, forward and backward for supervised tokens only: final norm, logits in chunks, loss,
// and the gradients of rows and, where it trains, of the weight.
#include <optional>
#include <vlt/models/lm_head.hpp>
#include "cases.hpp"

namespace {
using namespace vlt;

struct Sizes {
  Index supervised, tokens, vocabulary, width;
};
constexpr Sizes shapes[] = {{512, 512, 49152, 576}, {128, 512, 49152, 576}, {512, 512, 32000, 2048}};

// A head with its weight, hidden states and targets.
template <class P> struct Head {
  explicit Head(Sizes c) : head(c.vocabulary, c.width, 1e-5, false) {
    collect(head, registry, "");
    parameters.emplace(registry, 1, 0.02);
    batch.append(c.tokens);
    rows = bench::numbers<float>(c.tokens * c.width), gradients = bench::Memory<float>(rows.size());
    x.data = rows.address(), x.rows = c.tokens, x.cols = x.stride = c.width, x.segments = batch;
    dx = x, dx.data = gradients.address();
    for (Index i = 0; i < c.supervised; ++i) {
      targets.row.push_back(c.tokens - c.supervised + i);
      targets.id.push_back(i * 7919 % c.vocabulary);
    }
  }
  void pass(Scope& s) {
    const TargetsView<P::device> view{targets.row, targets.id, {}};
    head.loss(s, x, head.weight, view, 1.0 / double(view.size()), overwrite(dx), sums);
  }

  LmHead<P> head;
  registry_t<P> registry;
  std::optional<testing::LooseParameters<P::precision, P::device>> parameters;
  Segments batch;
  bench::Memory<float> rows, gradients;
  typename LmHead<P>::in x, dx;
  Targets targets;
  LossAccumulator<P::device> sums;
};

template <class P> void add(Sizes c, const char* what) {
  const std::string name = "linear_ce/" + std::string(what) + "/" + std::to_string(c.supervised) + "_of_" +
                           std::to_string(c.tokens) + "_tokens/" + std::to_string(c.vocabulary) + "x" +
                           std::to_string(c.width);
  bench::add<bf16>(name, [=] {
    const auto head = std::make_shared<Head<P>>(c);
    auto made = std::make_unique<bench::ScopeCase>([h = head.get()](Scope& s) { h->pass(s); }, head);
    const double products = P::tuning == Tuning::trainable ? 3 : 2;
    made->flops = 2 * products * double(c.supervised) * double(c.vocabulary) * double(c.width);
    return made;
  });
}
}  // namespace

int main(int argc, char** argv) {
  using P = Policy<Device::cpu, Precision::bf16>;
  for (const Sizes& c : shapes) add<P::trainable>(c, "trained"), add<P::frozen>(c, "frozen");
  return bench::run(argc, argv);
}
