// The perceiver: REF 13.5 (positions), REF 13.8 (a whole projector), gradients with query rows != key rows.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/models/perceiver.hpp>
#include <vlt/testing/grad_check.hpp>
using namespace vlt;

namespace {

using Gold = Policy<under_test, Precision::f64>;

// 1e-5 relative, or half a unit of the last printed digit, whichever is larger.
void near(const std::string& what, double got, double want, double half_unit) {
  INFO(what << ": " << got << ", expected " << want);
  CHECK(std::abs(got - want) <= std::max(1e-5 * std::abs(want), half_unit));
}

// Lets the gradient check see a perceiver as an ordinary layer from images to queries: rows in and out differ.
template <IsPolicy P> struct Whole {
  using in = typename Perceiver<P>::in;
  using out = typename Perceiver<P>::out;
  using saved = typename Perceiver<P>::saved;
  Perceiver<P> layer;
  Segments images, queries, keys;
  static constexpr auto fields() { return members(member<"">(&Whole::layer)); }

  Shape out_shape(Shape) const { return {queries.rows(), layer.width()}; }
  in as_images(in x) const { return x.segments = images, x; }
  out as_queries(out y) const { return y.segments = queries, y; }
  void forward(Scope& s, in x, out y, saved& k) { layer.forward(s, as_images(x), as_queries(y), k, keys); }
  void backward(Scope& s, out dy, Grad<in> dx, saved& k) {
    layer.backward(s, as_queries(dy), Grad<in>{as_images(dx.m), dx.beta}, k);
  }
  void backward(Scope& s, out dy, Discard, saved& k) { layer.backward(s, as_queries(dy), Discard{}, k); }
};

template <class P> void gradients(bool class_token) {
  Whole<P> w{
      Perceiver<P>({.vision_width = 6, .text_width = 8, .patches = 4, .class_token = class_token, .query_grid = 3}),
      equal_segments(2, class_token ? 5 : 4),
      {},
      {}};
  w.queries = w.layer.out_segments(w.images), w.keys = w.layer.inside_segments(w.images);
  w.layer.heads = 2;
  for (auto* n : {&w.layer.ln_q, &w.layer.ln_kv, &w.layer.ln_post}) n->eps = 0.1;
  const auto report = testing::check_gradients(w, {w.images.rows(), 6}, w.images);
  INFO(report.text());
  CHECK(report.ok());
}

}  // namespace

TEST_CASE("positions are the reference's") {
  const auto t = sin_cos_positions(8, 3);
  near("column 1, channel 0", t[8], 0.841471, 0.5e-6);
  near("row 1, channel 4", t[3 * 8 + 4], 0.841471, 0.5e-6);
  near("(1, 2), channel 2", t[5 * 8 + 2], -0.416147, 0.5e-6);
  near("(1, 2), channel 1", t[5 * 8 + 1], 0.019999, 0.5e-6);
  const auto r = resize_positions(sin_cos_positions(8, 16), 8, 16, 24);
  const double want[4] = {-0.0730444, -0.000868041, 1.0399047, 1.0000048};
  for (std::size_t i = 0; i < 8; ++i) near("resized", r[i], want[i % 4], 0.5e-7);
}

TEMPLATE_TEST_CASE("a whole perceiver gives the reference's output", "", Gold, (Policy<under_test, Precision::f32>)) {
  using P = TestType;
  using number = typename P::operand;
  auto p = perceiver_projector<P>({.vision_width = 6, .text_width = 256, .patches = 4});
  auto registry = registry_of<P>(p);
  testing::LooseParameters memory(registry);
  const std::vector<std::string> order{"query",
                                       "kv_proj.weight",
                                       "kv_proj.bias",
                                       "attn.in_proj_weight",
                                       "attn.in_proj_bias",
                                       "attn.out_proj.weight",
                                       "attn.out_proj.bias",
                                       "ln_q.weight",
                                       "ln_q.bias",
                                       "ln_kv.weight",
                                       "ln_kv.bias",
                                       "projection.0.weight",
                                       "projection.0.bias",
                                       "projection.1.weight",
                                       "projection.1.bias"};
  REQUIRE(registry.params.size() == order.size());
  for (auto& param : registry.params) {  // 1-D weights lie around 1, everything else around 0
    const int k = 1 + int(std::find(order.begin(), order.end(), param.name()) - order.begin());
    REQUIRE(k <= 15);
    const bool norm = param.one_dimensional() && param.name().find("weight") != std::string::npos;
    for (Index e = 0; e < param.value->size(); ++e) {
      const double wave = std::sin(1.7 * double(e) + 0.9 * k);
      param.value->data[e] = float(norm ? 1 + 0.1 * wave : 0.05 * wave);
    }
  }
  const Segments images = equal_segments(2, 5), out = p.out_segments(images), keys = p.inside_segments(images);
  REQUIRE(out.rows() == 512);
  std::vector<number> x(60), y(512 * 256);
  for (std::size_t e = 0; e < 60; ++e) x[e] = float(std::sin(0.5 * double(e)));
  auto tx = borrow_host<stream_t<P, space::vision>>(x.data(), 10, 6);
  auto ty = borrow_host<stream_t<P, space::text>>(y.data(), out.rows(), 256);
  tx.segments = images, ty.segments = out;
  Threads threads;
  const Buffer<std::byte, under_test> scratch(1 << 25);
  Arena a(scratch);
  Scope s(a, threads);
  p.infer(s, tx, ty, keys);
  const double first[4] = {-1.227555, 0.564139, 1.124878, -0.761364};
  const double last[4] = {-1.223559, 0.568466, 1.120111, -0.764839};
  for (std::size_t c = 0; c < 4; ++c) {
    near("[0, 0]", y[c], first[c], 0.5e-6);
    near("[1, 255]", y[(256 + 255) * 256 + c], last[c], 0.5e-6);
  }
  double sum = 0, square = 0;
  for (const number v : y) sum += double(v), square += double(v) * double(v);
  near("sum", sum, -23.18992, 131072 * 0x1p-24);  // the reference is float: each value is off by half an ulp of 1
  near("sum of squares", square, 116842.326, 0.5e-3);
}

TEST_CASE("gradients, with and without the tower's class token") {
  gradients<Gold>(true);
  gradients<Gold>(false);
  gradients<Gold::frozen>(true);
}

TEST_CASE("a perceiver begins as the reference's and refuses what has no square grid") {
  auto p = perceiver_projector<Gold>({.vision_width = 6, .text_width = 16, .patches = 9});
  for (const auto& param : registry_of<Gold>(p).params) {
    INFO(param.name());
    const bool norm = param.name().find("ln_") == 0 || param.name().find("projection.0") == 0;
    if (param.name() == "attn.in_proj_weight") CHECK(param.init == Init{Init::uniform, std::sqrt(6.0 / 64)});
    else if (param.name().find("bias") != std::string::npos) CHECK(param.init == Init{Init::zero});
    else CHECK(param.init == (norm ? Init{Init::one} : Init{Init::normal, 0.02}));
  }
  CHECK_THROWS_WITH(Perceiver<Gold>({.vision_width = 6, .text_width = 8, .patches = 5}), Catch::Contains("square"));
  CHECK_THROWS_WITH(Perceiver<Gold>({.vision_width = 6, .text_width = 10, .patches = 4}), Catch::Contains("multiple"));
}
