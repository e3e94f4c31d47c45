#include "small_vlm.hpp"

using namespace small_vlm;

namespace {
using P = Policy<under_test, Precision::f64>;
using M = Model<P>;

bool contains(const std::string& name, const char* part) { return name.find(part) != name.npos; }

// Chooses parameters by name, adapters always.
void choose(M& m, const std::function<bool(const std::string&)>& wanted) {
  vlt::choose<P>(m, [&](const auto& p) { return p.adapter || wanted(p.name()); });
}
void adapt(M& m, const std::vector<std::string>& substrings) {
  auto registry = registry_of<P>(m);
  attach_adapters(registry, substrings, 2, 4.0);
}

// Two steps: exactly what the registry says trains has changed, in master and compute copy.
void check(const std::string& title, const std::function<void(M&)>& decide, std::size_t expected_trained) {
  Bench<P> bench(build<M>(), 1, decide);
  const auto& params = bench.store->registry().params;
  std::vector<std::vector<float>> before(params.size());
  std::vector<std::vector<double>> compute(params.size());
  std::size_t trained = 0;
  const auto values = [&](std::size_t i) {
    std::vector<float> x(std::size_t(params[i].value->size()));
    bench.store->read(int(i), 0, x);
    return x;
  };
  const auto seen_by_layers = [&](std::size_t i) { return values_of(*params[i].value); };
  for (std::size_t i = 0; i < params.size(); ++i) before[i] = values(i), compute[i] = seen_by_layers(i);
  bench.step({{0, 1}, {2, 3}});
  bench.step({{4, 0}});
  for (std::size_t i = 0; i < params.size(); ++i) {
    INFO(title << ": " << params[i].name());
    CHECK((values(i) != before[i]) == params[i].trains());
    CHECK((seen_by_layers(i) != compute[i]) == params[i].trains());
    trained += params[i].trains();
  }
  INFO(title);
  CHECK(trained == expected_trained);
}

int index(const Bench<P>& b, const char* name) {
  const auto& params = b.store->registry().params;
  const auto at = std::find_if(params.begin(), params.end(), [&](const auto& p) { return p.name() == name; });
  return at == params.end() ? -1 : int(at - params.begin());
}
// One pass over two conversations; peak: of the arena.
std::vector<double> gradient_of(Bench<P>& b, int param, std::size_t* peak = nullptr) {
  auto w = work_of(b.model, {0, 1});
  Threads threads(1);
  const Buffer<std::byte, under_test> memory(1 << 22);
  Arena arena(memory);
  Scope s(arena, threads);
  M::saved k;
  LossAccumulator<under_test> sums(w.batch.targets.groups());
  b.model.forward_backward(s, w.view(), w.batch, 1, k, sums);
  if (peak) *peak = arena.peak();
  return values_of(*b.store->registry().params[param].grad);
}
}  // namespace

TEST_CASE("what is said to train is exactly what changes", "[train]") {
  const auto in_front = [](const std::string& name) {
    return contains(name, "projection.") || contains(name, "embed_tokens");
  };
  check(
      "projector and embedding", [&](M& m) { choose(m, in_front); }, 5);
  check(
      "adapters on q and v",
      [&](M& m) {
        adapt(m, {"q_proj", "v_proj"}), choose(m, in_front);
      },
      5 + 2 * 2 * 4);
  check(
      "adapters on layer 1", [&](M& m) { adapt(m, {"model.layers.1."}), choose(m, in_front); }, 5 + 2 * 7);
  check(
      "adapters, and the rest of the decoder",
      [&](M& m) {
        adapt(m, {"model.layers.0.mlp"});
        choose(m, [](const std::string& n) { return !contains(n, "vision_model") && !contains(n, "layers.0.mlp"); });
      },
      4 + 1 + 3 * 2 + (4 + 6) + 2);
  check(
      "one vector in the tower",
      [&](M& m) { choose(m, [](auto& n) { return contains(n, "layers.1.layer_norm2.bias"); }); }, 1);
  check(
      "the head alone", [&](M& m) { choose(m, [](auto& n) { return contains(n, "lm_head"); }); }, 1);
}

TEST_CASE("a tied head is one tensor whose gradient is the sum of both uses", "[train]") {
  Bench<P> tied(build<M>(2, true)), apart(build<M>());
  const int embed = index(apart, "model.embed_tokens.weight"), head = index(apart, "lm_head.weight");
  CHECK(index(tied, "lm_head.weight") == -1);
  REQUIRE(head >= 0);
  // the same weights in both
  std::vector<float> rows(23 * 12);
  apart.store->read(embed, 0, rows);
  apart.store->write(head, 0, rows);
  const auto both = gradient_of(tied, index(tied, "model.embed_tokens.weight"));
  const auto first = gradient_of(apart, embed);
  const auto second = values_of(*apart.store->registry().params[head].grad);
  for (std::size_t e = 0; e < both.size(); ++e) REQUIRE(both[e] == Approx(first[e] + second[e]).margin(1e-12));
}

TEST_CASE("layers in front of the first trained one keep nothing and change nothing", "[train]") {
  const auto learning = [](const char* one, const char* other) {
    return Bench<P>(build<M>(4), 1,
                    [=](M& m) { choose(m, [=](auto& n) { return contains(n, one) || contains(n, other); }); });
  };
  const char* bias = "vision_model.encoder.layers.3.layer_norm2.bias";
  auto late = learning(bias, bias), early = learning(bias, "class_embedding"),
       middle = learning(bias, "vision_model.encoder.layers.1.mlp");
  std::size_t late_peak = 0, early_peak = 0, middle_peak = 0;
  const auto expected = gradient_of(early, index(early, bias), &early_peak);
  CHECK(std::any_of(expected.begin(), expected.end(), [](double g) { return g != 0; }));
  CHECK(gradient_of(late, index(late, bias), &late_peak) == expected);
  CHECK(gradient_of(middle, index(middle, bias), &middle_peak) == expected);
  CHECK(late_peak < middle_peak);
  CHECK(middle_peak < early_peak);
}

TEST_CASE("a store refuses a list of parameters that is older than the last choice", "[train]") {
  M model = build<M>();
  vlt::choose<P>(model, [](const auto& p) { return p.component == ComponentKind::projector; });
  const auto old = registry_of<P>(model);
  const auto now = vlt::choose<P>(model, [](const auto& p) { return p.component == ComponentKind::vision; });
  CHECK_THROWS_WITH(ParameterStore(old), Catch::Contains("the registry is older than the last choice"));
  CHECK_NOTHROW(ParameterStore(now));
}

TEST_CASE("what was chosen parameter by parameter, without collecting in between, trains too", "[train]") {
  check(
      "the tower, behind its registry's back",
      [](M& m) {
        choose(m, [](auto& n) { return contains(n, "projection."); });
        m.vision.embeddings.layer.class_embedding.choose(true);
        m.vision.layers.blocks[1].layer.mlp.fc2.bias.choose(true);
      },
      4 + 2);
}
