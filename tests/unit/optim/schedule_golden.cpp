// Learning rates and updates against numbers that transformers and torch computed (tests/golden/optim).
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <unit/optim/optimizer_run.hpp>
#include <unit/tolerance.hpp>
#include <vlt/io/json.hpp>
#include <vlt/optim/schedule.hpp>

using namespace vlt;

namespace {

const boost::json::value& golden() {
  static const boost::json::value all = [] {
    std::ifstream file(VLT_TEST_DIR "/golden/optim/optim.json");
    std::ostringstream text;
    text << file.rdbuf();
    return parse_json(text.str(), "optim.json");
  }();
  return all;
}
std::vector<Json> list(const Json& of) {
  std::vector<Json> all;
  for (std::size_t i = 0; i < of.array().size(); ++i) all.push_back(of[i]);
  return all;
}
template <class T> std::vector<T> numbers(const Json& of) {
  std::vector<T> all;
  for (const Json& n : list(of)) all.push_back(T(n.number()));
  return all;
}
double relative(const std::vector<float>& ours, const std::vector<double>& theirs) {
  REQUIRE(ours.size() == theirs.size());
  double off = 0, all = 0;
  for (std::size_t i = 0; i < ours.size(); ++i)
    off += std::pow(double(ours[i]) - theirs[i], 2), all += theirs[i] * theirs[i];
  return std::sqrt(off) / std::max(std::sqrt(all), 1e-9);  // some begin at 0 and stay
}

}  // namespace

TEST_CASE("all six schedules are those of transformers", "[golden]") {
  const auto schedules = list(Json(golden(), "optim.json: $").at("schedules"));
  CHECK(schedules.size() == 24);
  for (const Json& s : schedules) {
    const Schedule schedule = make_schedule(schedule_kind(s.at("kind").string()), s.at("steps").index(),
                                            s.at("warmup").number(), s.at("rate").number());
    const auto factors = numbers<double>(s.at("factors"));
    for (std::size_t done = 0; done < factors.size(); ++done) {
      INFO(s.at("kind").string() << " of " << schedule.steps << " steps after " << done);
      CHECK(std::abs(schedule.factor(Index(done)) - factors[done]) <= tolerance("optim.schedule"));
    }
  }
}

TEST_CASE("clipped updates are those of torch", "[golden]") {
  const auto cases = list(Json(golden(), "optim.json: $").at("adamw"));
  CHECK(cases.size() == 4);
  for (const Json& one : cases) {
    const auto setting = [&](const char* name) { return one.at("settings").at(name).number(); };
    const auto tensors = list(one.at("tensors"));
    std::vector<LooseTensor> start;
    for (const Json& t : tensors)
      start.push_back({t.at("rows").index(), t.at("cols").index(), numbers<float>(t.at("start"))});
    OptimizerRun run(start,
                     AdamW{.beta1 = setting("beta1"),
                           .beta2 = setting("beta2"),
                           .epsilon = setting("epsilon"),
                           .weight_decay = setting("weight_decay")},
                     setting("max_norm"));
    const auto norms = numbers<double>(one.at("norms"));
    for (std::size_t step = 0; step < norms.size(); ++step) {
      INFO(one.path() << ", step " << step + 1);
      std::vector<std::vector<float>> gradients;
      for (const Json& t : tensors) gradients.push_back(numbers<float>(t.at("gradients")[step]));
      const double norm = run.step([&](std::size_t i) { return std::span<const float>(gradients[i]); },
                                   numbers<double>(one.at("rates")[step]));
      CHECK(std::abs(norm - norms[step]) <= tolerance("optim.norm") * norms[step]);
      for (std::size_t i = 0; i < tensors.size(); ++i)
        CHECK(relative(run.values(i), numbers<double>(tensors[i].at("weights")[step])) <= tolerance("optim.weights"));
    }
  }
}
