// What a user's choice of training selects, told by component and role.
#include <unit/device.hpp>
#include <vlt/pretrained/choose_training.hpp>

#include <catch2/catch.hpp>

using namespace vlt;

namespace {
using P = Policy<under_test, Precision::f32>;

// A decoder's parameters under names that nobody expects.
struct Foreign {
  param_t<P> wte{Shape{9, 4}, Role::embedding}, dense{Shape{4, 4}, Role::matrix}, out{Shape{9, 4}, Role::head};
  static constexpr auto fields() {
    return members(member<"wte">(&Foreign::wte), member<"dense">(&Foreign::dense), member<"out">(&Foreign::out));
  }
  template <class R> void collect(R& registry, const std::string&) {
    registry.component = ComponentKind::language;
    registry.add(wte, {{"wte", 0, 9}});
    registry.add(dense, {{"dense", 0, 4}});
    registry.add(out, {{"out", 0, 9}});
  }
};

std::string trained(const TrainingChoice& choice) {
  Foreign model;
  std::string names;
  for (const auto& p : choose_training<P>(model, choice).params)
    if (p.trains()) names += p.name() + " ";
  return names;
}
}  // namespace

TEST_CASE("the embedding is chosen by its role, not by its name") {
  CHECK(trained({false, false, true, {}, {}}) == "wte ");
  CHECK(trained({false, true, true, {}, {}}) == "wte dense out ");
  CHECK(trained({false, true, false, {}, {}}) == "dense out ");
}

TEST_CASE("a choice that leaves nothing to train is refused") {
  CHECK_THROWS_WITH(trained({true, false, false, {}, {}}), Catch::Contains("nothing would train"));
}
