#include <catch2/catch.hpp>
#include "parameters.hpp"

using namespace vlt;

TEST_CASE("what is written is read: in full precision if it trains, else as products see it", "[store]") {
  LooseModel<Precision::bf16> model;
  ParameterStore store(model.registry());
  const auto rows = ramp(2 * 13, 0.01f);
  store.write(0, 3, rows);
  std::vector<float> back(rows.size());
  store.read(0, 3, back);
  CHECK(back == rows);
  for (std::size_t i = 0; i < rows.size(); ++i)
    CHECK(float(model.weight.value.data[3 * 13 + i]) == float(bf16(rows[i])));
  CHECK(float(model.weight.value.data[3 * 13 - 1]) == 0);
  CHECK(float(model.weight.value.data[5 * 13]) == 0);

  const auto frozen = ramp(5 * 9, 0.01f);
  store.write(2, 0, frozen);
  std::vector<float> rounded(frozen.size());
  store.read(2, 0, rounded);
  for (std::size_t i = 0; i < frozen.size(); ++i) CHECK(rounded[i] == float(bf16(frozen[i])));
}

TEST_CASE("what are no rows of a parameter is refused", "[store]") {
  LooseModel<Precision::f32> model;
  ParameterStore store(model.registry());
  std::vector<float> x(13);
  CHECK_NOTHROW(store.write(0, 6, x));
  CHECK_THROWS_AS(store.write(0, 7, x), std::invalid_argument);
  CHECK_THROWS_AS(store.write(0, -1, x), std::invalid_argument);
  CHECK_THROWS_AS(store.write(4, 0, x), std::invalid_argument);
  x.resize(12);
  CHECK_THROWS_AS(store.read(0, 0, x), std::invalid_argument);
}

TEST_CASE("fill reaches every element of every parameter", "[store]") {
  LooseModel<Precision::f64> model;
  ParameterStore store(model.registry());
  store.fill([](const auto& p, Index e) { return double(p.name().size()) + 1e-3 * double(e); });
  for (const auto& p : store.registry().params)
    for (Index e = 0; e < p.value->size(); ++e) REQUIRE(p.value->data[e] == double(p.name().size()) + 1e-3 * double(e));
  CHECK(store.unit(1).master.data()[33 * 70 - 1] == model.second.value.data[33 * 70 - 1]);
}

TEST_CASE("ranks keep only their shares of what is written", "[store]") {
  std::vector<double> sum(33 * 70);
  const auto values = ramp(33 * 70, 1);
  for (int rank = 0; rank < 3; ++rank) {
    LooseModel<Precision::f32> model;
    ParameterStore store(model.registry(), {rank, 3, true, true, true});
    store.write(3, 0, values);
    const auto& u = store.unit(1);
    for (Index i = u.share.begin; i < std::min<Index>(u.share.end, 33 * 70); ++i) sum[i] += *u.master.at(i);
    std::vector<float> x(33 * 70);
    CHECK_THROWS_AS(store.read(3, 0, x), std::invalid_argument);
    CHECK(model.second.value.data == nullptr);
  }
  for (std::size_t i = 0; i < sum.size(); ++i) REQUIRE(sum[i] == values[i]);
}
