#pragma once
#include <cstdio>
#include <limits>
#include <vlt/train/build_model.hpp>
#include <vlt/train/export_model.hpp>
#include <vlt/train/merge_job.hpp>
#include <vlt/train/probe_logits.hpp>

namespace vlt {

// A model read from its folders into row-major weights; nothing of it trains.
template <Precision F> class MergeableModel {
 public:
  MergeableModel(const ModelKinds<F>& kinds, const CompiledIn& compiled, const ExportedModel& e, Threads& threads)
      : MergeableModel(ModelBuilder<F>(kinds, compiled, e.description).attached(e.vision_adapters, e.language_adapters),
                       e.description, threads) {}
  MergeableModel(const MergeableModel&) = delete;

  ParameterStore<F>& store() { return *store_; }
  const WeightOrigin& origin() const { return origin_; }
  std::vector<float> probed() { return probe_logits<F>(model_, threads_, m_); }

  // Folds every adapter into the weight under it. The adapters then count for nothing: only the base is meant.
  void merge() {
    for (const LinearRef& l : store_->registry().linears)
      run_in_own_memory(threads_, [&](Scope& s) { l.merge(l.layer, l.which, s); });
    for (std::size_t i = 0; i < store_->registry().params.size(); ++i)
      if (const auto& p = store_->registry().params[i]; p.adapter)
        store_->write(int(i), 0, std::vector<float>(std::size_t(p.value->size())));
  }

 private:
  AnyVlm<F> model_;
  const ModelDescription& m_;
  Threads& threads_;
  std::unique_ptr<ParameterStore<F>> store_;
  WeightOrigin origin_;

  MergeableModel(AnyVlm<F> model, const ModelDescription& m, Threads& threads)
      : model_(std::move(model)), m_(m), threads_(threads) {
    auto registry = registry_of<any_policy<F>>(model_);
    for (auto& p : registry.params)
      if (p.chosen) *p.chosen = false;
    ModelWeights<F> weights(registry, m_);
    store_ = std::make_unique<ParameterStore<F>>(std::move(registry));
    origin_ = weights.read_into(*store_, threads_, 0);
  }
};

// Throws NUM-MERGE-002 for the first weight that its stored type cannot hold: only f16 is that narrow.
template <Precision F>
void require_representable(const ParameterStore<F>& store, const std::map<int, StoredType>& types) {
  const auto& params = store.registry().params;
  std::vector<float> row;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const auto& p = params[i];
    const auto at = types.find(p.component);
    if (p.adapter || at == types.end() || at->second != StoredType::f16) continue;
    row.resize(std::size_t(p.value->cols));
    for (Index r = 0; r < p.value->rows; ++r) {
      store.read(int(i), r, row);
      for (const float x : row)
        if (!(std::abs(x) < 65520))
          throw Error(ExitCode::numeric,
                      {"NUM-MERGE-002", "a weight with its adapter is beyond the type it is stored in", p.name(),
                       "less than 65520 (f16)", number_text(double(x)),
                       "store the base in bf16 or fp32, and merge again", "nothing was written"});
    }
  }
}

// Throws NUM-MERGE-003 unless the logits of two forms of a model agree; NaN never does.
inline double require_same_logits(std::span<const float> apart, std::span<const float> merged, double allowed,
                                  const std::string& place) {
  const double difference = relative_difference(apart, merged);
  if (difference <= allowed) return difference;
  throw Error(ExitCode::numeric, {"NUM-MERGE-003", "the merged model does not give the logits of the one with adapters",
                                  place, "a relative difference of at most " + number_text(allowed),
                                  number_text(difference), "use the adapters as they are", "nothing was written"});
}

// merge_lora: fp32 arithmetic, whatever the weights are stored as. The folder appears only after it was read again and
// its logits were compared with those of the model with adapters.
template <Precision F> class MergeRun {
 public:
  MergeRun(MergeJob& job, const ModelKinds<F>& kinds)
      : job_(job), kinds_(kinds), draft_(job.options.output_dir + ".draft") {}

  ExitCode operator()() {
    try {
      const std::vector<float> wanted = write_draft();
      compare(wanted);
    } catch (...) {
      std::error_code unused;
      std::filesystem::remove_all(draft_, unused);
      throw;
    }
    put_in_place();
    job_.out << "wrote " << job_.options.output_dir << "\n";
    return ExitCode::ok;
  }

 private:
  MergeJob& job_;
  const ModelKinds<F>& kinds_;
  std::string draft_;
  double allowed_ = 0;

  // The logits before anything was merged.
  std::vector<float> write_draft() {
    MergeableModel<F> model(kinds_, job_.compiled, job_.model, *job_.threads);
    for (const std::string& w : model.origin().warnings) job_.messages.warning({{}, w, {}, {}, {}, {}, {}});
    const std::vector<float> wanted = model.probed();
    model.merge();
    require_same_logits(wanted, model.probed(), allowed_difference(StoredType::f32), job_.options.model);
    const auto& types = model.origin().stored;
    for (const auto& [component, type] : types) allowed_ = std::max(allowed_, allowed_difference(type));
    require_representable(model.store(), types);
    const TrainingChoice no_adapters;
    ModelExport<F>(job_.model.description, model.origin(), no_adapters, types).write(draft_, model.store());
    return wanted;
  }
  void compare(std::span<const float> wanted) {
    const ExportedModel merged = describe_exported_model(draft_, job_.options);
    MergeableModel<F> model(kinds_, job_.compiled, merged, *job_.threads);
    const double difference = require_same_logits(wanted, model.probed(), allowed_, job_.options.model);
    char line[120];
    std::snprintf(line, sizeof line, "probe logits differ by %.2g of their size; %.2g is allowed\n", difference,
                  allowed_);
    job_.out << line;
  }
  void put_in_place() const {
    std::error_code problem;
    std::filesystem::rename(draft_, job_.options.output_dir, problem);
    if (!problem) return;
    std::error_code unused;
    std::filesystem::remove_all(draft_, unused);
    throw Error(ExitCode::write, {"WRITE-MODEL-003",
                                  "the model's folder cannot be put in place",
                                  job_.options.output_dir,
                                  {},
                                  problem.message(),
                                  {},
                                  {}});
  }
};

}  // namespace vlt
