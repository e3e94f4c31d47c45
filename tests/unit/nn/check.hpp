#pragma once
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/nn/pre_norm_block.hpp>
#include <vlt/testing/grad_check.hpp>
#include <vlt/testing/mixed_batch.hpp>

// What the tests of layers share: double precision, a mixed batch, and odd sizes in which nothing equals anything else.
using Gold = vlt::Policy<under_test, vlt::Precision::f64>;

inline vlt::BlockSizes odd_sizes() {
  return {.width = 8,
          .heads = 4,
          .kv_heads = 2,
          .head_dim = 6,
          .mlp = 10,
          .norm_eps = 0.1,
          .qkv_bias = true,
          .output_bias = true,
          .mlp_bias = true,
          .rope = vlt::Rope::plain(6, 100),
          .activation = vlt::Activation::quick_gelu};
}

template <class L> void check(const std::string& title, L&& layer, vlt::testing::GradCheckOptions options = {}) {
  const vlt::Segments batch = vlt::testing::mixed_batch();
  const auto report = vlt::testing::check_gradients(layer, {batch.rows(), 8}, batch, options);
  INFO(title << ": " << report.text());
  CHECK(report.ok());
}

template <class P> std::string name_of() {
  using vlt::Tuning;
  return P::tuning == Tuning::frozen ? "frozen" : P::tuning == Tuning::adapted ? "adapted" : "trainable";
}
