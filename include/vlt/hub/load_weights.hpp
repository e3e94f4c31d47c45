#pragma once
#include <cstdio>
#include <map>
#include <memory>
#include <vlt/hub/weight_folder.hpp>
#include <vlt/hub/weight_names.hpp>

namespace vlt::hub {

// What a tensor means that the model does not hold.
enum class Extra {
  refuse,  // a mistake
  ignore,  // known to be of no use
  keep,    // not used, but a saved model needs it: copied when the folder is written
};

// How a folder's tensors relate to a component's parameters.
struct WeightRules {
  std::optional<ComponentKind> component;  // none: all of them
  NameMap stored_as = same_name;
  std::function<Extra(const std::string&)> extra = [](const std::string&) { return Extra::refuse; };
  // Embedding and head may have more rows in the model than in the folder: so many are in the folder (0: as many).
  Index stored_vocabulary = 0;
  std::string tied_head, tied_to;        // a tensor that must equal another, if it is there at all
  std::vector<std::string> also_needed;  // tensors that the model does not hold and a saved folder needs

  Index stored_rows(Role role, Index rows) const {
    return grows_with_vocabulary(role) && stored_vocabulary > 0 ? std::min(rows, stored_vocabulary) : rows;
  }
};

// A tensor that the model does not hold and a saved folder needs, with the file that holds it.
struct KeptTensor {
  WeightFolder::Place place;
  std::shared_ptr<const void> open;
};

// What was found in a folder.
struct LoadedWeights {
  Index tensors = 0, ignored = 0, grown_rows = 0;
  std::map<std::string, Index> types;  // how many tensors of each stored type
  std::vector<KeptTensor> kept;
  std::vector<std::string> warnings;
};

namespace loading {

// One part of a parameter and the tensor it comes from.
struct Source {
  int param;
  Part part;
  WeightFolder::Place place;
  Index stored_rows;  // in the tensor; the part may have more
};

// The lines of a table of what does not fit, the first ten of each kind.
class Misfits {
 public:
  void add(const char* kind, const std::string& name, std::string detail) {
    auto& [count, lines] = kinds_[kind];
    if (++count <= 10) lines += "\n  " + std::string(kind) + "  " + quoted(name, 200) + "  " + std::move(detail);
  }
  bool empty() const { return kinds_.empty(); }
  [[noreturn]] void raise(const WeightFolder& folder) const {
    std::string what = "the weights do not fit the model:", table;
    for (const auto& [kind, entry] : kinds_) {
      what += (table.empty() ? " " : ", ") + std::to_string(entry.first) + " " + kind;
      table += entry.second;
      if (entry.first > 10) table += "\n  " + kind + "  and " + std::to_string(entry.first - 10) + " more";
    }
    folder.blame().raise(Complaint("WEIGHTS-003", what)
                             .at(folder.path())
                             .expected("exactly the tensors that config.json implies")
                             .found(table)
                             .help("check that config.json and the weights belong together")
                             .note("no weight was read"));
  }

 private:
  std::map<std::string, std::pair<Index, std::string>> kinds_;
};

}  // namespace loading

// Which tensor of a folder goes where, decided and checked from headers alone.
struct LoadPlan {
  std::vector<loading::Source> sources;
  LoadedWeights found;
  WeightFolder::Place tied_head, tied_to;
};

// A component's own weights, or its adapters only.
enum class Which { base, adapters };

// Compares the parameters of a component, or of all, with a folder. Missing, unexpected and misshaped tensors are
// listed in one WEIGHTS-003, before anything large is read.
template <Precision F, Device D>
LoadPlan plan_load(const Registry<F, D>& registry, const WeightFolder& folder, const WeightRules& rules,
                   Which which = Which::base) {
  LoadPlan plan;
  loading::Misfits misfits;
  std::set<std::string> used;
  for (std::size_t i = 0; i < registry.params.size(); ++i) {
    const auto& p = registry.params[i];
    if ((rules.component && p.component != rules.component) || p.adapter != (which == Which::adapters)) continue;
    for (const Part& part : p.parts) {
      const std::string name = rules.stored_as(part.name);
      const WeightFolder::Place place = folder.find(name);
      auto shape = checkpoint_shape(p, part);
      const Index stored_rows = rules.stored_rows(p.role, part.rows);
      shape[0] = std::uint64_t(stored_rows);
      used.insert(name);
      if (!place) misfits.add("missing", name, shape_text(shape));
      else if (place.tensor->shape != shape)
        misfits.add("misshaped", name,
                    "expected " + shape_text(shape) + " (" + implied_by(part.name) + "), found " +
                        shape_text(place.tensor->shape));
      else if (!facts(place.tensor->type).real)
        misfits.add("unsupported", name, std::string(facts(place.tensor->type).name));
      else {
        plan.sources.push_back({int(i), part, place, stored_rows});
        plan.found.grown_rows = std::max(plan.found.grown_rows, part.rows - stored_rows);
      }
    }
  }
  for (const auto& place : folder.tensors()) {
    const std::string& name = place.tensor->name;
    if (used.contains(name)) {
      ++plan.found.tensors, ++plan.found.types[std::string(facts(place.tensor->type).name)];
      continue;
    }
    const Extra extra = name == rules.tied_head ? Extra::ignore : rules.extra(name);
    if (extra == Extra::refuse) misfits.add("unexpected", name, shape_text(place.tensor->shape));
    if (extra == Extra::keep) plan.found.kept.push_back({place, folder.keep()});
    else ++plan.found.ignored;
  }
  for (const std::string& name : rules.also_needed)
    if (!folder.find(name)) misfits.add("missing", name, "(not read, but saved with the model)");
  if (!misfits.empty()) misfits.raise(folder);
  if (!rules.tied_head.empty())
    plan.tied_head = folder.find(rules.tied_head), plan.tied_to = folder.find(rules.tied_to);
  plan.found.warnings = folder.warnings();
  return plan;
}

namespace loading {

// Throws WEIGHTS-004 (exit 7) for the first number that is not finite.
inline void require_finite(const Source& s, std::uint64_t first, std::span<const float> numbers) {
  const auto at = first_not_finite(numbers);
  if (!at) return;
  std::uint64_t count = 0;
  for (const float x : numbers) count += !std::isfinite(x);
  throw Error(
      ExitCode::numeric,
      Complaint("MODEL-WEIGHTS-004", "a weight is not finite")
          .at(s.place.file->name() + "  tensor " + quoted(s.place.tensor->name))
          .expected("finite numbers")
          .found(std::to_string(numbers[*at]) + " at element " + std::to_string(first + *at) + ", " +
                 std::to_string(count) + " such numbers among the " + std::to_string(numbers.size()) + " read with it")
          .help("the weights are damaged or were trained to divergence: use other ones"));
}

// Rows of a matrix, in blocks; rows that the folder lacks become the mean of those it has.
template <class Store> void load_matrix(const Source& s, Index cols, Store& store, std::vector<float>& block) {
  const Index rows_at_once = std::max<Index>(1, (Index(1) << 18) / cols);
  std::vector<double> sum;
  if (s.part.rows > s.stored_rows) sum.resize(std::size_t(cols));
  for (Index row = 0; row < s.stored_rows; row += rows_at_once) {
    const Index n = std::min(rows_at_once, s.stored_rows - row);
    block.resize(std::size_t(n * cols));
    s.place.file->read(*s.place.tensor, std::uint64_t(row * cols), block);
    require_finite(s, std::uint64_t(row * cols), block);
    store.write(s.param, s.part.row + row, block);
    for (std::size_t i = 0; i < block.size() && !sum.empty(); ++i) sum[i % std::size_t(cols)] += block[i];
  }
  if (sum.empty()) return;
  std::vector<float> mean(std::size_t(cols), 0.0f);
  for (std::size_t c = 0; c < mean.size(); ++c) mean[c] = float(sum[c] / double(s.stored_rows));
  for (Index row = s.stored_rows; row < s.part.rows; ++row) store.write(s.param, s.part.row + row, mean);
}

// A tied head that is stored nevertheless must be the embedding.
inline void require_equal(const WeightFolder::Place& a, const WeightFolder::Place& b) {
  bool equal = a.tensor->shape == b.tensor->shape;
  std::vector<float> x, y;
  const std::uint64_t at_once = 1 << 18;
  for (std::uint64_t at = 0; equal && at < a.tensor->size(); at += at_once) {
    x.resize(std::size_t(std::min(at_once, a.tensor->size() - at))), y.resize(x.size());
    a.file->read(*a.tensor, at, x), b.file->read(*b.tensor, at, y);
    equal = x == y;
  }
  if (!equal)
    a.file->blame().raise(Complaint("WEIGHTS-005", "the head differs from the embedding that it is tied to")
                              .at(a.file->name() + "  tensor " + quoted(a.tensor->name))
                              .expected("the numbers of " + quoted(b.tensor->name))
                              .found("others")
                              .help("set tie_word_embeddings to false in config.json"));
}

}  // namespace loading

// Reads what was planned into a store. Exit 7 for a weight that is not finite.
template <class Store> LoadedWeights load_weights(const LoadPlan& plan, Store& store) {
  if (plan.tied_head && plan.tied_to) loading::require_equal(plan.tied_head, plan.tied_to);
  const auto& params = store.registry().params;
  std::vector<float> block, row;
  for (std::size_t i = 0; i < plan.sources.size(); ++i) {
    const loading::Source& s = plan.sources[i];
    const auto& p = params[std::size_t(s.param)];
    if (!p.one_dimensional()) {
      loading::load_matrix(s, p.value->cols, store, block);
      continue;
    }
    // A vector's parts lie side by side in one row, which is written when its last part is there.
    if (s.part.row == 0) row.clear();
    block.resize(std::size_t(s.part.rows));
    s.place.file->read(*s.place.tensor, 0, block);
    loading::require_finite(s, 0, block);
    row.insert(row.end(), block.begin(), block.end());
    if (Index(row.size()) == p.value->cols) store.write(s.param, 0, row);
  }
  return plan.found;
}

}  // namespace vlt::hub
