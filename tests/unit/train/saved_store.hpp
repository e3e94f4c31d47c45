#pragma once
#include <unit/io/temporary_folder.hpp>
#include <unit/optim/parameters.hpp>
#include <vlt/train/checkpoint_folder.hpp>

// A small store full of numbers that tell where they belong, and checkpoints of it.
namespace saved_store {
using namespace vlt;

// The number of element e of a section: all bits of a float differ from place to place, and from step to step.
template <class T, Device D> T number(const Section<T, D>& s, Index e, Index step) {
  std::uint64_t x =
      std::uint64_t(e) + 1000003ull * std::uint64_t(s.param) + 7919ull * s.slot.size() + std::uint64_t(step);
  x = x * 0x9e3779b97f4a7c15ull ^ x >> 29;
  return T(float(double(x >> 12) * 0x1p-52 - 0.5));
}
template <class Store> void fill(Store& store, Index step) {
  store.sections([&]<class T, Device X>(const Section<T, X>& s) {
    if (!is_kept(s.kind)) return;
    std::vector<T> values;
    for (Index e = s.range.begin; e < s.range.end; ++e) values.push_back(number(s, e, step));
    set_values(s.values, values);
  });
}
// Does it hold the numbers of that step, and no others?
template <class Store> bool holds(Store& store, Index step) {
  bool all = true;
  store.sections([&]<class T, Device X>(const Section<T, X>& s) {
    if (!is_kept(s.kind)) return;
    const auto values = values_of(s.values);
    for (Index e = s.range.begin; e < s.range.end; ++e)
      all = all && double(values[std::size_t(e - s.range.begin)]) == double(number(s, e, step));
  });
  return all;
}

template <Precision F> struct Saving {
  LooseModel<F> model;
  dist::Single world;
  ParameterStore<F, under_test> store{model.registry()};

  static RunState state(Index step) {
    RunState s;
    s.step = step, s.updates = step - 1, s.concluded = step, s.micro_batch = 3 * step, s.lost_records = {4};
    s.before_answers = {"a red circle"};
    return s;
  }
  static CheckpointManifest about() {
    CheckpointManifest m;
    m.model_folder = "models/llava", m.facts = {{"option", "seed", "7", true}, {"program", "compiler", "g++", false}};
    return m;
  }
  void save(const std::string& folder, Index step) {
    fill(store, step);
    save_checkpoint(folder, store, state(step), about(), world);
  }
};

}  // namespace saved_store
