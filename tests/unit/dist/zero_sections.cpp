#include <cstring>
#include "zero_training.hpp"

using namespace zero_training;

namespace {
using Bytes = std::vector<std::byte>;

std::string key(const auto& section) {
  return std::string(section.parameter) + " " + std::to_string(int(section.kind)) + " " + std::string(section.slot);
}
const std::string key_of_panels = " " + std::to_string(int(SectionKind::panels)) + " ";
template <class Store> std::map<std::string, Bytes> save(Store& store) {
  std::map<std::string, Bytes> saved;
  store.sections([&]<class T, Device D>(const Section<T, D>& section) {
    const auto values = values_of(section.values);
    const auto bytes = std::as_bytes(std::span(values));
    saved[key(section)] = Bytes(bytes.begin(), bytes.end());
  });
  return saved;
}
template <class Store> void load(Store& store, const std::map<std::string, Bytes>& saved) {
  store.sections([&]<class T, Device D>(const Section<T, D>& section) {
    const Bytes& bytes = saved.at(key(section));
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    set_values(section.values, values);
  });
}
template <class Store> void spoil(Store& store) {
  store.sections([&]<class T, Device D>(const Section<T, D>& section) {
    if (section.kind == SectionKind::master || section.kind == SectionKind::state) fill_values(section.values, T(9.0f));
  });
}

// Saves, makes a step, spoils what a step changes, restores, makes the step again: on every rank the same bits, and
// weights that follow.
template <class P> bool same_after_restoring(dist::World& world, const Case& c) {
  RankRun<P> run(world, c);
  run.step(0);
  const auto before = save(run.store());
  const double norm = run.step(1);
  const auto after = save(run.store());
  spoil(run.store());
  load(run.store(), before);
  run.zero().set_updates(1);
  run.in_planned_memory(nullptr, [&](Scope& s) { run.zero().round_masters(s); });
  return before != after && run.step(1) == norm && save(run.store()) == after && run.as_planned();
}
template <class P> void check_stages(int ranks) {
  for (int stage = 0; stage < 4; ++stage)
    for (const Reduce when : {Reduce::once, Reduce::every_micro_batch}) {
      INFO(ranks << " ranks, stage " << stage << ", schedule " << int(when));
      std::vector<int> same(ranks, 0);
      dist::ThreadGroup::run(ranks, [&](dist::World& world) {
        same[world.rank()] = same_after_restoring<P>(world, {true, {stage, when}, 2 * ranks});
      });
      CHECK(same == std::vector<int>(ranks, 1));
    }
}
}  // namespace

TEST_CASE("sections reach everything that a step changes: restored, it gives the same bits", "[threads]") {
  check_stages<Policy<under_test, Precision::f64>>(2);
  check_stages<Policy<under_test, Precision::bf16>>(3);
  check_stages<Policy<under_test, Precision::bf16, Tuning::adapted>>(2);
  check_stages<Policy<under_test, Precision::f16>>(2);
}

TEST_CASE("sections of all ranks are each parameter once, in full precision", "[threads]") {
  using P = Policy<under_test, Precision::f64>;
  const int ranks = 3;
  std::vector<Parameters> values(ranks);
  std::vector<int> in_order(ranks, 1), wholes(ranks, 1);
  dist::ThreadGroup::run(ranks, [&](dist::World& world) {
    RankRun<P> run(world, {false, {3}, ranks});
    run.store().fill([](const auto& p, Index e) { return 1.0 / 3 + double(p.name().size()) + 1e-9 * double(e); });
    int unit = 0;
    run.store().sections([&]<class T, Device D>(const Section<T, D>& s) {
      const auto& p = run.store().registry().params[s.param];
      in_order[world.rank()] &= s.unit >= unit && s.unit == p.unit && s.range.size() == s.values.cols;
      wholes[world.rank()] &= s.whole == p.value->size() && s.parameter == p.name();
      unit = s.unit;
      auto& v = values[world.rank()][key(s)];
      v.assign(std::size_t(s.whole), 0);
      const auto held = values_of(s.values);
      for (Index e = s.range.begin; e < s.range.end; ++e) v[e] = double(held[e - s.range.begin]);
    });
  });
  CHECK(in_order == std::vector<int>(ranks, 1));
  CHECK(wholes == std::vector<int>(ranks, 1));
  CHECK(values[0].size() == values[2].size());
  for (const auto& [name, first] : values[0]) {
    const bool master = name.find(" 0 ") != name.npos;
    const double length = double(name.find(' '));
    for (std::size_t e = 0; e < first.size(); ++e) {
      double all = 0;
      for (const Parameters& v : values) all += v.at(name)[e];
      REQUIRE(all == (master ? 1.0 / 3 + length + 1e-9 * double(e) : 0));
    }
  }
}

TEST_CASE("packed weights that train are restored from their masters", "[dist]") {
  using P = Policy<under_test, Precision::f32>;
  auto model = build<P>(false);
  auto registry = registry_of<P>(model);
  for (auto& p : registry.params) p.value->packed = p.packable;
  dist::Single world;
  Threads threads(2);
  ParameterStore store(std::move(registry), {}, AdamW{.epsilon = 1e-3});
  dist::Zero zero(store, world);
  store.fill([](const auto& p, Index e) { return start(p.name(), p.decay, e); });
  const std::vector<double> rates(store.registry().params.size(), 0.05);
  const auto memory = memory_of_nans(1 << 16);
  const auto restore = [&] {
    Arena arena(memory);
    Scope s(arena, threads);
    zero.round_masters(s);
  };
  const auto step = [&] {
    Arena arena(memory);
    Scope s(arena, threads);
    for (int u = 0; u < store.units(); ++u)
      fill_values(store.unit(u).grads.row(store.unit(u).grads.range), 0.1f * float(u + 1));
    zero.step(s, rates, 1);
  };
  const auto rows = [&] {
    Parameters all;
    for (const auto& p : store.registry().params) {
      std::vector<float> v(std::size_t(p.value->size()));
      if (!p.value->packed) continue;
      cpu::unpack_forward<float, P::device>(static_cast<const float*>(p.value->forward_panels), p.value->cols, v.data(),
                                            0, p.value->rows);
      all[p.name()] = std::vector<double>(v.begin(), v.end());
    }
    return all;
  };
  step();
  const auto before = save(store);
  const Parameters packed_before = rows();
  step();
  const auto after = save(store);
  const Parameters packed = rows();
  CHECK(packed.size() >= 4);
  CHECK(packed != packed_before);
  for (const auto& [name, bytes] : after) CHECK(name.find(key_of_panels) == name.npos);
  spoil(store);
  load(store, before);
  zero.set_updates(1);
  restore();
  CHECK(rows() == packed_before);
  step();
  CHECK(save(store) == after);
  CHECK(rows() == packed);
}
