#pragma once
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <unit/tolerance.hpp>
#include <vlt/hub/safetensors.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/testing/loose_parameters.hpp>

// A small model of tests/golden/models: its configurations and weights, conversations, and what torch made of them.
class GoldenModel {
 public:
  explicit GoldenModel(const std::string& name)
      : file_(vlt::open_file(VLT_TEST_DIR "/golden/models/" + name + ".safetensors")) {}

  const std::string& config(const std::string& part) const { return file_.metadata().at(part); }
  std::vector<float> numbers(const std::string& name) const {
    const vlt::hub::StoredTensor& t = tensor(name);
    std::vector<float> values(std::size_t(t.size()));
    file_.read(t, 0, values);
    return values;
  }
  std::vector<vlt::Index> integers(const std::string& name) const {
    const vlt::hub::StoredTensor& t = tensor(name);
    std::vector<vlt::Index> values(std::size_t(t.size()));
    file_.read_bytes(t, 0, {reinterpret_cast<char*>(values.data()), values.size() * sizeof(vlt::Index)});
    return values;
  }
  vlt::Index tiles() const { return vlt::Index(tensor("pixels").shape[0]); }
  std::vector<vlt::Sample> samples() const {
    const auto ids = integers("ids"), labels = integers("labels");
    std::vector<vlt::Sample> all;
    auto id = ids.begin(), label = labels.begin();
    for (const vlt::Index n : integers("lengths")) {
      all.push_back({{id, id + n}, {label, label + n}});
      id += n, label += n;
    }
    return all;
  }
  std::size_t gradients() const {
    return std::size_t(std::count_if(file_.tensors().begin(), file_.tensors().end(),
                                     [](const auto& t) { return t.name.starts_with("grad."); }));
  }

 private:
  vlt::hub::SafetensorsFile file_;

  const vlt::hub::StoredTensor& tensor(const std::string& name) const {
    const vlt::hub::StoredTensor* t = file_.find(name);
    INFO(name);
    REQUIRE(t != nullptr);
    return *t;
  }
};

namespace golden_model {

inline double norm(const std::vector<float>& v) {
  double sum = 0;
  for (const float x : v) sum += double(x) * double(x);
  return std::sqrt(sum);
}
// |a - b| / max(|b|, floor)
inline double relative(const float* a, const std::vector<float>& b, double floor = 0) {
  std::vector<float> difference(b);
  for (std::size_t i = 0; i < b.size(); ++i) difference[i] -= a[i];
  return norm(difference) / std::max({norm(b), floor, 1e-30});
}

// Plans a pass, then runs it in the memory that it planned.
template <class Pass> void carry_out(Pass&& pass) {
  vlt::Buffer<std::byte, under_test> memory;
  vlt::Threads threads;
  for (const bool plan : {true, false}) {
    vlt::Arena arena = plan ? vlt::Arena() : vlt::Arena(memory);
    vlt::Scope s(arena, threads);
    pass(s);
    if (plan) memory = memory_of_nans(arena.peak());
  }
}

template <class Model> std::vector<float> logits_of(Model& model, typename Model::pixels x, const vlt::Batch& b) {
  std::vector<vlt::Index> row(std::size_t(b.text.rows()));
  std::iota(row.begin(), row.end(), vlt::Index(0));
  const vlt::Index rows = b.text.rows(), vocabulary = model.language.vocabulary();
  std::vector<float> logits(std::size_t(rows * vocabulary));
  carry_out([&](vlt::Scope& s) {
    vlt::Frame frame(s);
    auto y = s.temp<typename Model::tokens>({rows, model.language.width()}, b.text);
    model.hidden(s, x, b, y);
    model.language.logits(s, y, row, vlt::borrow_host<vlt::Matrix<float, under_test>>(logits.data(), rows, vocabulary));
  });
  return logits;
}

// The gradient of every parameter, each against its own tensor in the file.
template <class R> void check_gradients(const R& registry, const GoldenModel& golden) {
  double whole = 0;
  std::size_t count = 0;
  for (const auto& p : registry.params)
    for (const vlt::Part& part : p.parts) whole = std::hypot(whole, norm(golden.numbers("grad." + part.name))), ++count;
  CHECK(count == golden.gradients());
  for (const auto& p : registry.params)
    for (const vlt::Part& part : p.parts) {
      INFO(part.name);
      const auto want = golden.numbers("grad." + part.name);
      REQUIRE(vlt::Index(want.size()) == p.size(part));
      const std::vector<float> gradient = values_of(*p.grad);
      const float* got = gradient.data() + p.first(part);
      // A key's bias without rotary positions shifts all scores of a query alike: it has no gradient.
      const bool zero = part.name.ends_with("k_proj.bias") && !part.name.starts_with("model.layers.");
      if (zero) CHECK(norm({got, got + want.size()}) / whole < tolerance("models.zero_gradient"));
      else CHECK(relative(got, want, 1e-6 * whole) < tolerance("models.gradient"));
    }
}

}  // namespace golden_model

// Loss, logits of every row and every gradient of a model in fp32. `image` marks a picture among the ids; layouts: as
// in Vlm::batch.
template <class Model>
void check_golden(Model model, const GoldenModel& golden, vlt::Index image,
                  const std::vector<vlt::ImageLayout>& layouts = {}) {
  using P = vlt::Policy<under_test, vlt::Precision::f32>;
  auto registry = vlt::registry_of<P>(model);
  const vlt::testing::LooseParameters memory(registry);
  for (const auto& p : registry.params)
    for (const vlt::Part& part : p.parts) {
      const auto values = golden.numbers("weight." + part.name);
      REQUIRE(vlt::Index(values.size()) == p.size(part));
      std::copy(values.begin(), values.end(), p.value->data + p.first(part));
    }
  std::vector<float> pixels = golden.numbers("pixels");
  const vlt::Index each = vlt::Index(pixels.size()) / golden.tiles();
  const auto x = vlt::borrow_host<typename Model::pixels>(pixels.data(), golden.tiles(), each);
  const vlt::Batch b = model.batch(vlt::equal_segments(golden.tiles(), 1), golden.samples(), image, {}, layouts);
  vlt::LossAccumulator<under_test> sums;
  typename Model::saved saved;
  golden_model::carry_out(
      [&](vlt::Scope& s) { model.forward_backward(s, x, b, 1 / double(b.targets.row.size()), saved, sums); });
  CHECK(sums.read().total() == Approx(golden.numbers("loss")[0]).epsilon(tolerance("models.loss")));
  const auto logits = golden.numbers("logits");
  REQUIRE(b.text.rows() * model.language.vocabulary() == vlt::Index(logits.size()));
  CHECK(golden_model::relative(golden_model::logits_of(model, x, b).data(), logits) < tolerance("models.logits"));
  golden_model::check_gradients(registry, golden);
}
