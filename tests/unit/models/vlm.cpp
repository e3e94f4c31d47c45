// Whole models: gradients of every trained parameter, tied heads, text-only batches, feature selection, evaluation.
#include <catch2/catch.hpp>
#include <vlt/nn/checkpoint.hpp>
#include <vlt/testing/differences.hpp>
#include "small_model.hpp"
using namespace vlt;

namespace {

using Trainable = LlamaDecoder<Gold, LlamaBlock<Gold, mask::Mmca>>;
using Adapted = LlamaDecoder<Gold::adapted, Checkpoint<LlamaBlock<Gold::adapted, mask::Mmca>>>;
using Frozen = LlamaDecoder<Gold::frozen>;

template <class M>
void check(M model, const std::vector<std::string>& adapters, const std::vector<Sample>& samples, Index images) {
  if (!adapters.empty()) attach_adapters(registry_of<Gold>(model), adapters, 2, 3.0);
  auto registry = registry_of<Gold>(model);
  testing::LooseParameters memory(registry, 7);
  Pictures pictures(images);
  const Batch b = model.batch(equal_segments(images, 1), samples, image_id);
  const Outcome o = run(model, b, pictures, registry);
  CHECK(o.sums.total() == Approx(o.evaluated.total()).epsilon(1e-14));
  CHECK(o.sums.total() > 0);
  CHECK(o.sums.correct == o.evaluated.correct);
  CHECK(o.evaluate_peak < o.peak);

  std::vector<testing::Tensor> tensors;
  const double* g = o.grads.data();
  for (auto& p : registry.params)
    if (p.trains()) tensors.push_back({p.name(), p.value->data, g, p.value->size()}), g += p.value->size();
  const Buffer<std::byte, under_test> scratch(Index(o.evaluate_peak));
  Threads threads;
  const auto a = testing::compare_with_differences(tensors, [&] {
    Arena arena(scratch);
    Scope s(arena, threads);
    LossAccumulator<under_test> sums;
    model.evaluate(s, pictures.view<typename M::pixels>(), b, 0.3, sums);
    return sums.read().total();
  });
  INFO(tensors.size() << " tensors, derivatives up to " << a.largest << ", worst " << a.where);
  CHECK(a.worst < 1e-8);
  CHECK((a.flat.empty() || images == 0));
}

ClipSizes tower(bool drop_class = false) {
  ClipSizes c = small_tower();
  c.drop_class = drop_class;
  return c;
}

}  // namespace

TEST_CASE("everything trains") { check(small_model<ClipVit<Gold>, Trainable>(tower()), {}, conversations(), 3); }
TEST_CASE("class token dropped") { check(small_model<ClipVit<Gold>, Trainable>(tower(true)), {}, conversations(), 3); }
TEST_CASE("tied head") { check(small_model<ClipVit<Gold>, Trainable>(tower(), true), {}, conversations(), 3); }
TEST_CASE("text only") {
  check(small_model<ClipVit<Gold>, Trainable>(tower()), {}, {{{1, 2, 3, 4}, {-1, -1, 3, 4}}}, 0);
}
TEST_CASE("adapters in the tower and the decoder") {
  check(small_model<ClipVit<Gold::adapted>, Adapted>(tower(true)), {"encoder.layers.1", "q_proj", "v_proj"},
        conversations(), 3);
}
TEST_CASE("default: projector and embedding train") {
  check(small_model<ClipVit<Gold::frozen>, Frozen>(tower()), {}, conversations(), 3);
  check(small_model<ClipVit<Gold::frozen>, Frozen>(tower(true), true), {}, conversations(), 3);
}

TEST_CASE("dropping the class token leaves the patches' features as they were") {
  const auto features = [](bool drop) {
    ClipVit<Gold::frozen> t(tower(drop));
    auto registry = registry_of<Gold>(t);
    testing::LooseParameters memory(registry, 7);
    Pictures pictures(2);
    const Segments images = equal_segments(2, 1), out = t.out_segments(images);
    std::vector<double> y(std::size_t(out.rows() * 6));
    auto ty = borrow_host<stream_t<Gold, space::vision>>(y.data(), out.rows(), 6);
    ty.segments = out;
    Threads threads;
    const Buffer<std::byte, under_test> scratch(80000);
    Arena a(scratch);
    Scope s(a, threads);
    auto x = pictures.view<stream_t<Gold, space::pixels>>();
    x.segments = images;
    const Segments inside = t.inside_segments(images);
    t.infer(s, x, ty, inside);
    return y;
  };
  const auto full = features(false), patches = features(true);
  REQUIRE(full.size() == 2 * 5 * 6);
  REQUIRE(patches.size() == 2 * 4 * 6);
  for (std::size_t image = 0; image < 2; ++image)
    CHECK(std::equal(patches.begin() + image * 24, patches.begin() + image * 24 + 24, full.begin() + image * 30 + 6));
}

TEST_CASE("losses are summed by group, and hits are counted where asked") {
  auto model = small_model<ClipVit<Gold::frozen>, Frozen>(tower());
  auto registry = registry_of<Gold>(model);
  testing::LooseParameters memory(registry, 7);
  Pictures pictures(3);
  const int groups[3] = {0, 2, 0};
  const Batch b = model.batch(equal_segments(3, 1), conversations(), image_id, groups);
  const Outcome o = run(model, b, pictures, registry);
  REQUIRE(o.sums.by_group.size() == 3);
  CHECK(o.sums.by_group[1] == 0);

  const Batch second = model.batch(equal_segments(0, 1), {conversations()[1]}, image_id);
  Pictures none(0);
  CHECK(run(model, second, none, registry).sums.total() == Approx(o.sums.by_group[2]).epsilon(1e-12));

  // hits, counted from the logits themselves
  std::vector<double> hidden(std::size_t(b.text.rows() * 8)), logits(11);
  const Buffer<std::byte, under_test> scratch(320000);
  Threads threads;
  Arena a(scratch);
  Scope s(a, threads);
  using M = decltype(model);
  auto y = borrow_host<M::tokens>(hidden.data(), b.text.rows(), 8);
  y.segments = b.text;
  model.hidden(s, pictures.view<M::pixels>(), b, y);
  const auto scores = borrow_host<Trainable::logits_t>(logits.data(), 1, 11);
  Index hits = 0;
  for (std::size_t i = 0; i < b.targets.row.size(); ++i) {
    model.language.logits(s, y, std::span(b.targets.row).subspan(i, 1), scores);
    hits += std::max_element(logits.begin(), logits.end()) - logits.begin() == b.targets.id[i];
  }
  CHECK(o.sums.correct == hits);
}

TEST_CASE("parameters know their component, and only the projector's names have a prefix") {
  auto model = small_model<ClipVit<Gold>, Trainable>(tower());
  for (const auto& p : registry_of<Gold>(model).params) {
    INFO(p.name());
    const ComponentKind component = p.name().starts_with("vision_model.") ? ComponentKind::vision
                                    : p.name().starts_with("projection.") ? ComponentKind::projector
                                                                          : ComponentKind::language;
    CHECK(p.component == component);
  }
}

TEST_CASE("marks and images must agree") {
  const auto model = small_model<ClipVit<Gold::frozen>, Frozen>(tower());
  CHECK_THROWS_WITH(model.batch(equal_segments(2, 1), conversations(), image_id), Catch::Contains("more image marks"));
  CHECK_THROWS_WITH(model.batch(equal_segments(4, 1), conversations(), image_id), Catch::Contains("more images"));
  const Batch b = model.batch(equal_segments(3, 1), conversations(), image_id);
  CHECK(b.text.rows() == 7 + 3 + 3 + 3 * 4);  // every mark became five tokens
  CHECK(b.targets.row == std::vector<Index>{6, 12, 13, 15, 16, 23});
  CHECK(b.targets.id == std::vector<Index>{5, 6, 7, 3, 8, 4});
}
