// The same with a loss scale, which lets the first steps be skipped.
#include "interrupted_training.hpp"

using namespace interrupted;

TEST_CASE("a run in fp16 that stops after any step goes on to the bit", "[train]") {
  using T = Trainable<Precision::f16>;
  using A = Adapted<Precision::f16>;
  for (const Index accumulation : {1, 3}) {
    const Course course{.rules = twelve_steps(accumulation), .loss_scale = accumulation > 1 ? 22 : 18};
    interrupt<T>(1, build_for_bytes<T>, course);
    interrupt<A>(1, with_adapters<A>, course);
  }
}

TEST_CASE("ranks skip steps together, and go on to the bit", "[threads]") {
  using T = Trainable<Precision::f16>;
  interrupt<T>(2, build_for_bytes<T>, {.rules = twelve_steps(1, 2), .zero = {1}, .loss_scale = 24});
  interrupt<T>(2, build_for_bytes<T>,
               {.rules = twelve_steps(3, 2), .zero = {3, dist::Reduce::every_micro_batch}, .loss_scale = 24});
}
