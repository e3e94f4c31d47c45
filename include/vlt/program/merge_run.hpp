#pragma once
#include <cstdio>
#include <vlt/pretrained/export_model.hpp>
#include <vlt/pretrained/mergeable_model.hpp>
#include <vlt/program/merge_job.hpp>

namespace vlt::program {

// Throws NUM-MERGE-003 unless the logits of two forms of a model agree; NaN never does.
inline void require_same_logits(std::span<const float> apart, std::span<const float> merged, double allowed,
                                const std::string& place) {
  const double difference = relative_difference(apart, merged);
  if (difference <= allowed) return;
  throw Error(ExitCode::numeric,
              Complaint("NUM-MERGE-003", "the merged model does not give the logits of the one with adapters")
                  .at(place)
                  .expected("a relative difference of at most " + number_text(allowed))
                  .found(number_text(difference))
                  .help("use the adapters as they are")
                  .note("nothing was written"));
}

// merge_lora: fp32 arithmetic, whatever the weights are stored as. Logits of a probe are compared three times: after
// the adapters were folded in, after the weights were rounded to their stored type, and after the folder was read
// again, which appears only then.
template <IsPolicy P> class MergeRun {
 public:
  MergeRun(MergeJob& job, const ModelKinds<P>& kinds) : job_(job), kinds_(kinds) {}

  ExitCode operator()() {
    DraftFolder draft(job_.options.output_dir);
    write(draft.path());
    compare(draft.path());
    draft.commit();
    job_.out << "wrote " << job_.options.output_dir << "\n";
    return ExitCode::ok;
  }

 private:
  static constexpr double same_arithmetic = 1e-3, same_numbers = 1e-5;  // fp32 sums in another order; the same sums
  MergeJob& job_;
  const ModelKinds<P>& kinds_;
  std::vector<float> written_;  // logits of the weights as they were written

  void write(const std::string& folder) {
    MergeableModel<P> model(kinds_, job_.compiled, job_.model, *job_.threads);
    for (const std::string& w : model.origin().warnings) job_.messages.warning(Complaint("", w));
    const auto& types = model.origin().stored;
    const std::vector<float> apart = model.probed(), base = model.probed_base();
    model.merge();
    require_same_logits(apart, model.probed(), same_arithmetic, job_.options.model);
    model.round(types);
    written_ = model.probed();
    judge_rounding(apart, base, types);
    const TrainingChoice no_adapters;
    ModelExport<P>(job_.model.description, model.origin(), no_adapters, types).write_into(folder, model.store());
  }
  // Rounding may cost what it always costs in a type, or half of what the adapters do: then they are in the weights.
  void judge_rounding(std::span<const float> apart, std::span<const float> base,
                      const std::map<ComponentKind, hub::StoredType>& types) const {
    double allowed = same_arithmetic;
    for (const auto& [component, type] : types) allowed = std::max(allowed, rounding_difference(type));
    const double difference = relative_difference(apart, written_), effect = relative_difference(apart, base);
    require_same_logits(apart, written_, std::max(allowed, effect / 2), job_.options.model);
    char line[160];
    std::snprintf(line, sizeof line, "the adapters change the probe's logits by %.2g of their size, merging by %.2g\n",
                  effect, difference);
    job_.out << line;
    if (effect > 0 && difference > effect / 2)
      job_.messages.warning(Complaint("", "rounding to the stored type hides most of what the adapters do")
                                .at(job_.options.model)
                                .help("use the adapters as they are, or store the base in fp32"));
  }
  // Reads what was written.
  void compare(const std::string& folder) {
    const ExportedModel merged = describe_exported_model(job_.known, folder, job_.options);
    MergeableModel<P> model(kinds_, job_.compiled, merged, *job_.threads);
    require_same_logits(written_, model.probed(), same_numbers, job_.options.model);
  }
};

template <IsPolicy P> ExitCode run_merge(MergeJob& job, const ModelKinds<P>& kinds) {
  return MergeRun<P>(job, kinds)();
}

}  // namespace vlt::program
