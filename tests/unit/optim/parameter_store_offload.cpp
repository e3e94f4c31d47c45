// What only updates touch, in files: the same numbers as in memory, whoever optimises and whatever is shared.
#include <cmath>
#include <unit/io/temporary_folder.hpp>
#include "lion.hpp"
#include "parameters.hpp"

using namespace vlt;

namespace {

template <class Store> void train(Store& store) {
  Threads team(2);
  store.fill([](const auto&, Index e) { return 1 + 0.01 * double(e % 91); });
  for (int step = 1; step <= 3; ++step)
    for (int u = 0; u < store.units(); ++u) {
      const auto g = store.unit(u).grads;
      std::vector<typename Store::grad_t> values(std::size_t(g.range.size()));
      for (std::size_t e = 0; e < values.size(); ++e)
        values[e] = typename Store::grad_t(std::sin(0.7 * double(e) + step));
      set_values(g.row(g.range), values);
      update(store, team, u, {std::vector<double>{0.02, 0.01, 9, 0.05}, 0.5, step}, store.unit(u).held_optimizer);
    }
}
// Everything that a store holds, as bytes.
template <class Store> std::string contents(Store& store) {
  std::string all;
  store.sections([&]<class T, Device D>(const Section<T, D>& s) {
    const auto values = values_of(s.values);
    all.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  });
  return all;
}

// Files of a folder that this process has mapped.
int mapped(const std::string& folder) {
  std::ifstream maps("/proc/self/maps");
  int n = 0;
  for (std::string line; std::getline(maps, line);) n += line.find(folder + "/.offload-") != line.npos;
  return n;
}

template <Precision F, class Optimizer> void compare(const Optimizer& optimizer, Placement placement) {
  const test::TemporaryFolder t;
  const FileMemory files(t.path);
  LooseModel<F> here, there;
  ParameterStore<F, under_test> memory(here.registry(), placement, optimizer);
  placement.offload_optimizer = true;
  const auto registry = there.registry();
  ParameterStore<F, under_test> offloaded(registry, StoreLayout<F, under_test>(registry, placement, optimizer), &files);
  CHECK(memory.bytes() == offloaded.bytes());
  train(memory), train(offloaded);
  CHECK(contents(memory) == contents(offloaded));
  CHECK(std::filesystem::is_empty(t.path));
  CHECK(mapped(t.path) == 2);  // masters and state
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("updates in files give the bits of updates in memory", "[optim]", ((Precision F), F),
                       Precision::f32, Precision::bf16, Precision::f64) {
  for (const Placement placement :
       {Placement{}, Placement{1, 2, true, false, false, false}, Placement{1, 3, true, true, true, false}}) {
    compare<F>(AdamW{.weight_decay = 0.1}, placement);
    compare<F>(Lion{.average = StateType::bf16}, placement);
  }
}

TEST_CASE("a store that was planned to offload needs files, and others have none", "[optim]") {
  LooseModel<Precision::f32> model;
  const auto registry = model.registry();
  Placement placement;
  placement.offload_optimizer = true;
  CHECK_THROWS_WITH((ParameterStore(registry, StoreLayout(registry, placement))), Catch::Contains("needs files"));
  const FileMemory files(".");
  CHECK_THROWS_WITH((ParameterStore(registry, StoreLayout(registry), &files)), Catch::Contains("needs files"));
}
