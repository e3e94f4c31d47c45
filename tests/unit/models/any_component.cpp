// Components chosen at run time give the same bits as components chosen at compile time.
#include <catch2/catch.hpp>
#include <vlt/models/any_component.hpp>
#include "small_model.hpp"
using namespace vlt;

namespace {

using Vision = AnyComponent<Gold, stream_t<Gold, space::pixels>, stream_t<Gold, space::vision>>;
using Projection = AnyComponent<Gold, stream_t<Gold, space::vision>, stream_t<Gold, space::text>>;

template <class Tower, class Decoder> void same_bits() {
  auto fixed = small_model<Tower, Decoder>(small_tower());
  Vlm<Vision, Projection, AnyDecoder<Gold>> erased{Vision(fixed.vision), Projection(fixed.projector),
                                                   AnyDecoder<Gold>(fixed.language)};
  auto r1 = registry_of<Gold>(fixed);
  auto r2 = registry_of<Gold>(erased);
  testing::LooseParameters m1(r1, 7), m2(r2, 7);
  Pictures pictures(3);
  const Batch b = fixed.batch(equal_segments(3, 1), conversations(), image_id);
  const Outcome a = run(fixed, b, pictures, r1), e = run(erased, b, pictures, r2);
  CHECK(a.sums.by_group == e.sums.by_group);
  CHECK(a.sums.correct == e.sums.correct);
  CHECK(a.evaluated.by_group == e.evaluated.by_group);
  CHECK(a.grads == e.grads);
  CHECK_FALSE(a.grads.empty());
  CHECK(a.peak == e.peak);
  CHECK(a.evaluate_peak == e.evaluate_peak);
}

}  // namespace

TEST_CASE("erased: everything trains") { same_bits<ClipVit<Gold>, LlamaDecoder<Gold, LlamaBlock<Gold, mask::Mmca>>>(); }
TEST_CASE("erased: projector and embedding train") { same_bits<ClipVit<Gold::frozen>, LlamaDecoder<Gold::frozen>>(); }

TEST_CASE("the narrowest tuning that can do what is asked") {
  CHECK(narrowest_tuning(false, false) == Tuning::frozen);
  CHECK(narrowest_tuning(false, true) == Tuning::adapted);
  CHECK(narrowest_tuning(true, false) == Tuning::trainable);
  CHECK(narrowest_tuning(true, true) == Tuning::trainable);
}
