// A run that ends after any step and goes on from its checkpoint gives the bits of one that was not interrupted.
#include "interrupted_training.hpp"

using namespace interrupted;

TEMPLATE_TEST_CASE_SIG("a run that stops after any step goes on to the bit", "[train]", ((Precision F), F),
                       Precision::f32, Precision::bf16) {
  for (const Index accumulation : {1, 3}) {
    const Course course{.rules = twelve_steps(accumulation)};
    interrupt<Trainable<F>>(1, build_for_bytes<Trainable<F>>, course);
    interrupt<Adapted<F>>(1, with_adapters<Adapted<F>>, course);
  }
}

TEST_CASE("ranks that share a model stop and go on together, to the bit", "[threads]") {
  using P = Trainable<Precision::bf16>;
  using A = Adapted<Precision::f32>;
  interrupt<P>(2, build_for_bytes<P>, {.rules = twelve_steps(1, 2), .zero = {1}});
  interrupt<P>(2, build_for_bytes<P>, {.rules = twelve_steps(3, 2), .zero = {0}});
  interrupt<P>(2, build_for_bytes<P>, {.rules = twelve_steps(1, 2), .zero = {2, dist::Reduce::every_micro_batch}});
  interrupt<A>(3, with_adapters<A>, {.rules = twelve_steps(1, 3), .zero = {3, dist::Reduce::every_micro_batch}});
}
