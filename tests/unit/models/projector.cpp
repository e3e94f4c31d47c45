// The three projectors that keep the number of tokens: gradients, names, and how they begin.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/models/mlp_projector.hpp>
#include <vlt/models/vit_projector.hpp>
#include <vlt/testing/grad_check.hpp>
#include <vlt/testing/mixed_batch.hpp>
using namespace vlt;

namespace {

using Gold = Policy<under_test, Precision::f64>;
const BlockSizes vision{.width = 6,
                        .heads = 2,
                        .kv_heads = 2,
                        .head_dim = 3,
                        .mlp = 9,
                        .norm_eps = 0.05,
                        .qkv_bias = true,
                        .output_bias = true,
                        .mlp_bias = true,
                        .rope = {}};

template <class L> void check(L layer) {
  const Segments batch = testing::mixed_batch();
  const auto report = testing::check_gradients(layer, {batch.rows(), 6}, batch, {.tolerance = 1e-7});
  INFO(report.text());
  CHECK(report.ok());
}
template <class C> std::string names(C component) {
  std::string all;
  for (const auto& p : registry_of<Gold>(component).params)
    for (const Part& part : p.parts) all += part.name + " ";
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("gradients", "", Gold, Gold::frozen) {
  check(linear_then_norm<TestType>(6, 8));
  check(VitProjection<TestType>(vision, 8));
  check(MlpProjection<TestType>(6, 8));
  check(MlpProjection<TestType>(6, 8, {.bias = false}));
  check(MlpProjection<TestType>(6, 8, {.newline = true}));
}

TEST_CASE("names are the reference's") {
  CHECK(names(baseline_projector<Gold>(6, 8)) == "0.weight 0.bias 1.weight 1.bias ");
  CHECK(names(mlp_projector<Gold>(6, 8)) == "linear_1.weight linear_1.bias linear_2.weight linear_2.bias ");
  CHECK(names(mlp_projector<Gold>(6, 8, {.bias = false, .newline = true})) ==
        "linear_1.weight linear_2.weight image_newline ");
  const std::string vit = names(vit_projector<Gold>(vision, 8));
  CHECK_THAT(vit, Catch::StartsWith("vis_layer.layer_norm1.weight vis_layer.layer_norm1.bias "
                                    "vis_layer.self_attn.q_proj.weight "));
  CHECK_THAT(vit, Catch::EndsWith("projection.0.weight projection.0.bias projection.1.weight projection.1.bias "));
}

TEST_CASE("linear layers begin as torch's, norms as the identity") {
  auto check_init = [](auto component) {
    for (const auto& p : registry_of<Gold>(component).params) {
      INFO(p.name());
      const bool norm =
          p.name().find("norm") != std::string::npos || p.name().find("1.") == 0 || p.name().find("projection.1.") == 0;
      const bool bias = p.name().find("bias") != std::string::npos;
      if (norm) CHECK(p.init == Init{bias ? Init::zero : Init::one});
      else CHECK(p.init.kind == Init::uniform);
      if (!norm && !bias) CHECK(p.init.scale == Approx(1 / std::sqrt(double(p.value->cols))));
    }
  };
  check_init(baseline_projector<Gold>(6, 8));
  check_init(mlp_projector<Gold>(6, 8));
  check_init(vit_projector<Gold>(vision, 8));
  CHECK(MlpProjection<Gold>(6, 8, {.newline = true}).image_newline.init == Init{Init::normal, 1 / std::sqrt(8.0)});
}

TEST_CASE("a projector that does not train still passes the gradient on") {
  auto p = baseline_projector<Gold>(6, 8);
  choose<Gold>(p, nothing);
  check(p.unit.layer);
}
