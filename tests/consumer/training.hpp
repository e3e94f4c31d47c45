#pragma once
#include <vlt/models/projector.hpp>
#include <vlt/optim/initialise.hpp>
#include <vlt/testing/grad_check.hpp>
#include <vlt/testing/mixed_batch.hpp>
#include <vlt/train/engine.hpp>
#include <vlt/train/plan.hpp>
#include "previous_token.hpp"

// The losses of a decoder of such blocks that learns to count, for the instruction set of whoever includes this.
template <vlt::Device D> std::vector<double> train(int steps) {
  using namespace vlt;
  using P = Policy<D, Precision::f32>;
  using Language = LlamaDecoder<P, LlamaBlock<P, mask::Causal, PreviousToken<P>>>;
  using Model = Vlm<GivenFeatures<P>, BaselineProjector<P>, Language>;
  const LlamaSizes sizes{.vocabulary = 12, .depth = 2, .block = {.width = 16, .mlp = 32, .rope = {}}};
  Model model{{8}, baseline_projector<P>(8, 16), Language(sizes)};
  Threads threads(2);
  ParameterStore store(registry_of<P>(model));
  initialise(store, threads, 7);
  const Batch batch = model.batch(equal_segments(0, 1), {{{1, 2, 3, 4}, {-1, 2, 3, 4}}, {{5, 6, 7}, {-1, 6, 7}}}, 11);
  Engine engine(model, store, threads, plan_training(model, threads, {}, batch).arena_bytes);
  const std::vector<double> rates(store.registry().params.size(), 0.01);
  std::vector<double> losses;
  for (int i = 0; i < steps; ++i) {
    engine.begin_step(5);
    engine.micro_batch({}, batch, true);
    losses.push_back(engine.finish_step(rates, 1.0).loss);
  }
  return losses;
}

std::vector<double> train_on_this_machine(int steps);  // native.cpp
