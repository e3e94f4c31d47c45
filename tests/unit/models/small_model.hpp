#pragma once
#include <unit/device.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/ops/double_precision.hpp>
#include <vlt/testing/loose_parameters.hpp>

// A vision-language model of a few hundred parameters, in double, and conversations for it.
using Gold = vlt::Policy<under_test, vlt::Precision::f64>;

inline constexpr vlt::Index image_id = 10;

inline vlt::ClipSizes small_tower() {
  return {.image = 8,
          .patch = 4,
          .depth = 2,
          .block = {.width = 6,
                    .heads = 2,
                    .kv_heads = 2,
                    .head_dim = 3,
                    .mlp = 9,
                    .norm_eps = 0.05,
                    .qkv_bias = true,
                    .output_bias = true,
                    .mlp_bias = true,
                    .rope = {}}};
}
inline vlt::LlamaSizes small_decoder(bool tied = false) {
  return {.vocabulary = 11,
          .depth = 2,
          .tied = tied,
          .block = {.width = 8,
                    .heads = 4,
                    .kv_heads = 2,
                    .head_dim = 2,
                    .mlp = 7,
                    .norm_eps = 0.05,
                    .rope = vlt::Rope::plain(2, 100)}};
}
// Three conversations about three pictures, one of them about two, one about none.
inline std::vector<vlt::Sample> conversations() {
  return {{{1, 10, 4, 5, 10, 6, 7}, {-1, -1, -1, 5, -1, 6, 7}}, {{2, 3, 8}, {-1, 3, 8}}, {{10, 9, 4}, {-1, -1, 4}}};
}

template <class Tower, class Decoder> auto small_model(vlt::ClipSizes tower, bool tied = false) {
  Decoder language{small_decoder(tied)};
  language.head.layer.chunk = 2;  // several chunks, the last one short
  return vlt::Vlm<Tower, vlt::BaselineProjector<Gold>, Decoder>{Tower(tower), vlt::baseline_projector<Gold>(6, 8),
                                                                std::move(language)};
}

// Pictures for a batch, as views over memory that lives as long as this.
struct Pictures {
  std::vector<double> values;
  explicit Pictures(vlt::Index images) : values(std::size_t(images * 3 * 8 * 8)) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(0.37 * double(i));
  }
  template <class View> View view() {
    return vlt::borrow_host<View>(values.data(), vlt::Index(values.size()) / 192, 192);
  }
};

// What one forward and backward, and one evaluation, give, each in exactly the planned memory full of NaN.
struct Outcome {
  vlt::LossSums sums, evaluated;
  std::vector<double> grads;
  std::size_t peak = 0, evaluate_peak = 0;
};
template <class M, class R> Outcome run(M& model, const vlt::Batch& b, Pictures& pictures, R& registry) {
  auto x = pictures.view<typename M::host_pixels>();
  Outcome o;
  const vlt::Index groups = b.targets.groups();
  vlt::LossAccumulator<under_test> sums(groups, true), evaluated(groups, true);
  vlt::Buffer<std::byte, under_test> memory;
  typename M::saved k;
  vlt::Threads threads;
  for (bool evaluate : {true, false})
    for (bool plan : {true, false}) {
      std::size_t& peak = evaluate ? o.evaluate_peak : o.peak;
      vlt::Arena a = plan ? vlt::Arena() : vlt::Arena(memory);
      vlt::Scope s(a, threads);
      if (evaluate) model.evaluate(s, x, b, 0.3, evaluated);
      else model.forward_backward(s, x, b, 0.3, k, sums);
      peak = a.peak();
      memory = memory_of_nans(peak);
    }
  o.sums = sums.read(), o.evaluated = evaluated.read();
  for (auto& p : registry.params)
    if (p.trains()) append_values(o.grads, *p.grad);
  return o;
}
