#pragma once
#include <vlt/base/rng.hpp>
#include <vlt/optim/parameter_store.hpp>

namespace vlt {

// Element `e` of a tensor that begins as `init` says. Depends on the seed, the tensor's name and the element only: not
// on what else a model holds, nor on the order in which anything is filled.
inline double initial_value(const Init& init, const RandomStream& random, Index e) {
  switch (init.kind) {
    case Init::one:
      return 1;
    case Init::uniform:
      return init.scale * (2 * random.uniform(std::uint64_t(e)) - 1);
    case Init::normal:
      return init.scale * random.normal(std::uint64_t(e));
    default:
      return 0;
  }
}

// Gives every parameter p with wanted(p) the values its layer begins with, in parallel. A parameter that only a
// checkpoint can give (Init::given) must not be wanted.
template <Precision F, Device D, class Wanted>
void initialise(ParameterStore<F, D>& store, Threads& threads, std::uint64_t seed, Wanted&& wanted) {
  const auto& params = store.registry().params;
  for (int i = 0; i < int(params.size()); ++i) {
    const auto& p = params[i];
    if (!wanted(p)) continue;
    require(p.init.kind != Init::given, "only a checkpoint can give " + p.name());
    std::vector<float> vector(std::size_t(p.one_dimensional() ? p.value->cols : 0));
    for (const Part& part : p.parts) {
      const RandomStream random{seed, stream_of(part.name)};
      if (p.one_dimensional()) {  // parts lie side by side
        for (Index e = 0; e < part.rows; ++e) vector[part.row + e] = float(initial_value(p.init, random, e));
        continue;
      }
      threads.ranges(part.rows, 32, [&](Index begin, Index end) {
        std::vector<float> row(std::size_t(p.value->cols));
        for (Index r = begin; r < end; ++r) {
          for (Index c = 0; c < p.value->cols; ++c)
            row[c] = float(initial_value(p.init, random, r * p.value->cols + c));
          store.write(i, part.row + r, row);
        }
      });
    }
    if (p.one_dimensional()) store.write(i, 0, vector);
  }
}
template <Precision F, Device D> void initialise(ParameterStore<F, D>& store, Threads& threads, std::uint64_t seed) {
  initialise(store, threads, seed, [](const auto&) { return true; });
}

}  // namespace vlt
