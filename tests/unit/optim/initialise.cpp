#include <unit/device.hpp>
#include <vlt/optim/initialise.hpp>

#include <catch2/catch.hpp>
#include <map>

using namespace vlt;

namespace {
using P = Policy<under_test, Precision::f32>;

// Two tensors in one parameter, as a fused layer has them, and parameters of every other beginning.
struct Model {
  param_t<P> fused, bias, scale, zero, given;
  explicit Model(Index width)
      : fused(Shape{40, width}, Role::matrix, {Init::uniform, 0.25}),
        bias(Shape{1, 40}, Role::bias, {Init::uniform, 0.25}),
        scale(Shape{1, width}, Role::norm, {Init::one, 0}),
        zero(Shape{3, width}, Role::matrix, {Init::zero, 0}),
        given(Shape{2, width}, Role::table) {}
  Registry<Precision::f32, under_test> registry(bool swapped) {
    Registry<Precision::f32, under_test> r;
    r.units = 1, r.unit = 0;
    r.add(zero, {{"zero", 0, 3}});
    if (swapped) r.add(scale, {{"scale", 0, 1}});
    r.add(fused, {{"q", 0, 30}, {"k", 30, 10}});
    if (!swapped) r.add(scale, {{"scale", 0, 1}});
    r.add(bias, {{"q.bias", 0, 30}, {"k.bias", 30, 10}});
    r.add(given, {{"given", 0, 2}});
    return r;
  }
};

using Tensors = std::map<std::string, std::vector<float>>;
Tensors begin(Index width, std::uint64_t seed, int threads, bool swapped = false) {
  Model model(width);
  ParameterStore store(model.registry(swapped));
  store.fill([](const auto&, Index) { return 7; });
  Threads team(threads);
  initialise(store, team, seed, [](const auto& p) { return p.init.kind != Init::given; });
  Tensors t;
  const auto& params = store.registry().params;
  for (std::size_t i = 0; i < params.size(); ++i) {
    std::vector<float> all(std::size_t(params[i].value->size()));
    store.read(int(i), 0, all);
    for (const Part& part : params[i].parts) {
      const auto first = all.begin() + params[i].first(part);
      t[part.name].assign(first, first + params[i].size(part));
    }
  }
  return t;
}
}  // namespace

TEST_CASE("initial values depend on seed, name and shape only", "[optim]") {
  const Tensors t = begin(17, 1234, 1);
  CHECK(t == begin(17, 1234, 3));
  CHECK(t == begin(17, 1234, 2, true));
  CHECK(t.at("q") != begin(17, 1235, 1).at("q"));
  CHECK(std::vector<float>(t.at("q").begin(), t.at("q").begin() + 170) != t.at("k"));
  CHECK(t.at("k.bias").size() == 10);
  CHECK(std::vector<float>(t.at("q.bias").begin(), t.at("q.bias").begin() + 10) != t.at("k.bias"));
  const RandomStream random{1234, stream_of("k.bias")};
  CHECK(t.at("k.bias")[9] == float(initial_value({Init::uniform, 0.25}, random, 9)));
}

TEST_CASE("initial values are what the layer asked for", "[optim]") {
  const Tensors t = begin(64, 1, 1);
  CHECK(t.at("scale") == std::vector<float>(64, 1));
  CHECK(t.at("zero") == std::vector<float>(3 * 64, 0));
  CHECK(t.at("given") == std::vector<float>(2 * 64, 7));
  double least = 1, most = -1, square = 0;
  for (float x : t.at("q"))
    least = std::min<double>(least, x), most = std::max<double>(most, x), square += x * x / 1920;
  CHECK((least >= -0.25 && least < -0.24 && most <= 0.25 && most > 0.24));
  CHECK(square == Approx(0.25 * 0.25 / 3).epsilon(0.05));
  const RandomStream random{5, 6};
  double variance = 0;
  for (Index e = 0; e < 10000; ++e) variance += std::pow(initial_value({Init::normal, 0.02}, random, e), 2) / 10000;
  CHECK(std::sqrt(variance) == Approx(0.02).epsilon(0.03));
}

TEST_CASE("what only a checkpoint can give is not made up", "[optim]") {
  Model model(8);
  ParameterStore store(model.registry(false));
  Threads team(1);
  CHECK_THROWS_AS(initialise(store, team, 1), std::invalid_argument);
}
