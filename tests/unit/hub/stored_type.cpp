// Numbers of every stored type, both ways; files written and read again.
#include <unit/io/temporary_folder.hpp>
#include <vlt/hub/safetensors.hpp>
#include <vlt/hub/safetensors_writer.hpp>

using namespace vlt;
using vlt::test::TemporaryFolder;

TEST_CASE("what is written is read back, in any cut and any type") {
  const TemporaryFolder t;
  std::vector<float> x(30);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(i) * 0.25f - 3;  // exact in every type
  const std::vector<hub::TensorPlan> plans{{"b", hub::StoredType::bf16, {5, 6}},
                                           {"empty", hub::StoredType::f32, {0, 4}},
                                           {"d", hub::StoredType::f64, {30}},
                                           {"h", hub::StoredType::f16, {2, 3, 5}},
                                           {"f", hub::StoredType::f32, {30, 1}}};
  {
    hub::SafetensorsWriter w(t / "x.safetensors", plans);
    for (int tensor = 0; tensor < 4; ++tensor) {
      w.append(std::span(x).first(7));
      w.append(std::span(x).subspan(7));
    }
    w.commit();
  }
  const hub::SafetensorsFile f(open_file(t / "x.safetensors"));
  CHECK(f.metadata().at("format") == "pt");
  for (const hub::TensorPlan& plan : plans) {
    const hub::StoredTensor* stored = f.find(plan.name);
    REQUIRE(stored);
    CHECK(stored->type == plan.type);
    CHECK(stored->shape == plan.shape);
    std::vector<float> y(std::size_t(stored->size()));
    f.read(*stored, 0, y);
    if (!y.empty()) CHECK(y == x);
    if (!y.empty()) {
      f.read(*stored, 11, std::span(y).first(3));
      CHECK(y[2] == x[13]);
    }
  }
}

TEST_CASE("a file that was not finished does not appear, and misuse is a broken contract") {
  const TemporaryFolder t;
  const std::vector<float> x(4, 1.0f);
  const std::vector<hub::TensorPlan> plans{{"a", hub::StoredType::f32, {2}}, {"b", hub::StoredType::f32, {2}}};
  {
    hub::SafetensorsWriter w(t / "x.safetensors", plans);
    w.append(std::span(x).first(2));
    CHECK_THROWS_AS(w.commit(), std::invalid_argument);
    CHECK_THROWS_AS(w.append(std::span(x).first(3)), std::invalid_argument);
  }
  CHECK(std::filesystem::is_empty(t.path));
  CHECK_THROWS_AS(hub::SafetensorsWriter(t / "y", {plans[0], plans[0]}), std::invalid_argument);
}

TEST_CASE("shards are cut between tensors") {
  const std::vector<hub::TensorPlan> plans{{"a", hub::StoredType::f32, {10}},
                                           {"b", hub::StoredType::f32, {10}},
                                           {"c", hub::StoredType::f32, {50}},
                                           {"d", hub::StoredType::f32, {1}}};
  const auto names = [&](std::uint64_t limit) {
    std::string out;
    for (const auto& shard : hub::plan_shards(plans, limit)) {
      for (const auto& tensor : shard) out += tensor.name;
      out += "|";
    }
    return out;
  };
  CHECK(names(1000) == "abcd|");
  CHECK(names(80) == "ab|c|d|");
  CHECK(names(1) == "a|b|c|d|");
  CHECK(names(204) == "ab|cd|");
}
