#include "small_vlm.hpp"

using namespace small_vlm;

namespace {
using P = Policy<under_test, Precision::f32>;

// `count` copies of a conversation of `length` tokens with one image, half of its tokens supervised.
template <class M> Work<M> work_of_size(const M& model, int count, Index length) {
  Sample sample;
  for (Index t = 0; t < length; ++t) {
    sample.id.push_back(t == 1 ? image_id : 3 + t % 17);
    sample.label.push_back(t > length / 2 ? sample.id.back() : -1);
  }
  Work<M> w;
  w.pixels.assign(std::size_t(count * 3 * picture * picture), 0.25f);
  w.batch = model.batch(equal_segments(count, 1), std::vector<Sample>(std::size_t(count), sample), image_id);
  return w;
}

struct Measured {
  std::size_t planned, peak, evaluation_planned, evaluation_peak;
  double flops;
};
// Plans, trains and evaluates one batch in exactly the planned memory.
template <class Q, class M> Measured measure(M model, int count, Index length, int threads) {
  ParameterStore store(registry_of<Q>(model));
  store.fill([](const auto& p, Index e) { return start(p, e); });
  Threads team(threads);
  auto w = work_of_size(model, count, length);
  const PassPlan training = plan_training(model, team, w.view(), w.batch),
                 evaluation = plan_evaluation(model, team, w.view(), w.batch);
  const auto peak_of = [&](std::size_t bytes, bool train) {
    Engine engine(model, store, team, bytes);
    if (!train) return engine.evaluate(w.view(), w.batch), engine.peak();
    engine.begin_step(Index(w.batch.targets.row.size()));
    engine.micro_batch(w.view(), w.batch, true);
    CHECK(engine.step_cost() == training.cost);
    return engine.peak();
  };
  return {training.arena_bytes, peak_of(training.arena_bytes, true), evaluation.arena_bytes,
          peak_of(evaluation.arena_bytes, false), training.cost.flops};
}
template <class Q, class M> Measured check(const std::string& title, M model, int count, Index length) {
  Measured first{};
  for (int threads : {1, 2}) {
    const Measured m = measure<Q>(model, count, length, threads);
    INFO(title << ", " << count << " times " << length << " tokens, " << threads << " threads");
    CHECK(m.peak == m.planned);
    CHECK(m.evaluation_peak == m.evaluation_planned);
    CHECK(m.evaluation_planned < m.planned);
    if (threads == 1) first = m;
  }
  return first;
}

template <class M> M with_adapters(M m, const std::vector<std::string>& substrings) {
  auto registry = registry_of<P>(m);
  attach_adapters(registry, substrings, 2, 4.0);
  return m;
}
}  // namespace

TEST_CASE("the arena's measured peak is the plan, whatever the sizes", "[train]") {
  using M = Model<P>;
  const Measured base = check<P>("base", build<M>(2), 2, 20);
  const Measured longer = check<P>("longer", build<M>(2), 2, 45);
  const Measured more = check<P>("more", build<M>(2), 5, 20);
  const Measured deeper = check<P>("deeper", build<M>(5), 2, 20);
  const Measured shallow = check<P>("no layers", build<M>(0), 2, 20);
  CHECK(base.planned < longer.planned);
  CHECK(base.planned < more.planned);
  CHECK(base.planned < deeper.planned);
  CHECK(shallow.planned < base.planned);
  CHECK(base.flops < deeper.flops);
}

TEST_CASE("the arena's measured peak is the plan under adapters and recomputation", "[train]") {
  using Q = P::adapted;
  using Plain = Model<Q>;
  using Recomputed = Model<Q, Checkpoint<ClipBlock<Q>>, Checkpoint<LlamaBlock<Q, mask::Mmca>>>;
  const Measured some = check<Q>("q and v", with_adapters(build<Plain>(4), {"q_proj", "v_proj"}), 2, 20);
  const Measured all = check<Q>("all", with_adapters(build<Plain>(4), {"layers."}), 2, 20);
  const Measured again = check<Q>("recomputed", with_adapters(build<Recomputed>(4), {"layers."}), 2, 20);
  CHECK(some.planned < all.planned);
  CHECK(again.planned < all.planned);
  CHECK(again.flops > all.flops);
}

namespace {
// A layer and one operation more, in its forward pass.
template <class L> struct OneOpMore {
  using element = L;
  using in = typename L::in;
  using out = typename L::out;
  using saved = typename L::saved;
  L layer;
  static constexpr auto fields() { return members(member<"">(&OneOpMore::layer)); }
  Shape out_shape(Shape i) const { return layer.out_shape(i); }
  void forward(Scope& s, in x, out y, saved& k) {
    auto copy = s.keep<in>(x.shape(), x.segments);
    ops::convert(s, x, copy);
    layer.forward(s, copy, y, k);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) { layer.backward(s, dy, dx, k); }
};
}  // namespace

TEST_CASE("one operation more changes the plan with no other edit", "[train]") {
  using L = LinearThenNorm<P>;
  using Before = Vlm<GivenFeatures<P>, LayerComponent<L>, LlamaDecoder<P>>;
  using After = Vlm<GivenFeatures<P>, LayerComponent<OneOpMore<L>>, LlamaDecoder<P>>;
  const LlamaSizes sizes{.vocabulary = 23, .depth = 1, .block = block(12, false)};
  Before before{{8}, {{linear_then_norm<P>(8, 12)}}, LlamaDecoder<P>(sizes)};
  After after{{8}, {{{linear_then_norm<P>(8, 12)}}}, LlamaDecoder<P>(sizes)};
  Threads threads(1);
  const auto plan_of = [&](auto& model) {
    registry_of<P>(model);
    typename std::remove_reference_t<decltype(model)>::pixels x;
    x.rows = 4, x.cols = x.stride = 8;
    const Batch b = model.batch(equal_segments(1, 4), {conversations()[0]}, image_id);
    return plan_training(model, threads, x, b);
  };
  const PassPlan plain = plan_of(before), more = plan_of(after);
  CHECK(more.arena_bytes >= plain.arena_bytes + 4 * 8 * sizeof(float));
  CHECK(more.cost.bytes > plain.cost.bytes);
  const auto calls = [](const PassPlan& p) {
    long n = 0;
    for (const auto& [name, line] : p.operations.line) n += line.calls;
    return n;
  };
  CHECK(calls(more) == calls(plain) + 1);
}
