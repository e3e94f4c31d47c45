#pragma once
#include <iostream>
#include <vlt/base/cores.hpp>
#include <vlt/io/standard_streams.hpp>
#include <vlt/options/option_pages.hpp>
#include <vlt/options/parse_options.hpp>
#include <vlt/program/kinds.hpp>
#include <vlt/program/merge_job.hpp>

namespace vlt::program {

// merge_lora without its arithmetic: reads the command line, describes the model, hands over.
class MergeProgram {
 public:
  // runner: none if fp32 is not compiled in.
  MergeProgram(const KnownKinds& known, CompiledIn compiled, MergeRunner runner, Messages& messages, std::ostream& out)
      : runner_(runner), job_{{}, merge_option_table(), known, std::move(compiled), messages, out, {}, {}} {}

  ExitCode operator()(const Words& args) {
    MergeOptions& o = job_.options;
    OptionReader<MergeOptions> reader(job_.table, o);
    reader.command_line(args);
    if (!o.config.empty()) reader.config_file(read_settings(open_file(o.config, blame_option), o), o.config);
    if (pages()) return require_written(job_.out), ExitCode::ok;
    job_.messages.use(o.log_format == "json" ? LogFormat::json : LogFormat::text);
    check();
    if (!runner_)
      CompiledIn::need("fp32", job_.compiled.precisions, "PRECISIONS", "merge_lora, which computes in fp32");
    const int cores = int(allowed_cores().size());
    job_.threads = std::make_unique<Threads>(o.num_threads > 0 ? int(o.num_threads) : cores);
    job_.model = describe_exported_model(job_.known, o.model, o);
    if (job_.model.language_adapters.rank == 0 && job_.model.vision_adapters.rank == 0)
      throw Error(ExitCode::model,
                  Complaint("MODEL-MERGE-001", "the model has no adapters: there is nothing to fold in")
                      .at(o.model)
                      .expected("a folder language_adapter or vision_adapter in it")
                      .found("neither")
                      .help("use the folder as it is")
                      .note("nothing was written"));
    return runner_(job_);
  }

 private:
  MergeRunner runner_;
  MergeJob job_;

  bool pages() const {
    const MergeOptions& o = job_.options;
    if (o.help)
      job_.out << help_page(
          job_.table,
          {"merge_lora", "folds the adapters of a model into its weights", {"--model run/epoch-1 --output_dir merged"}},
          *o.help);
    else if (o.version) job_.out << job_.compiled;
    else if (o.print_options_md) job_.out << markdown_page(job_.table, "merge_lora");
    else return false;
    return true;
  }
  void check() {
    MergeOptions& o = job_.options;
    if (o.model.empty()) refuse_option(missing_option("--model"));
    while (o.output_dir.size() > 1 && o.output_dir.ends_with('/')) o.output_dir.pop_back();
    if (o.output_dir.empty()) refuse_option(missing_option("--output_dir"));
    require_new_folder(o.output_dir, "--output_dir");
  }
};

// The whole job, in one precision (merge_run.hpp has the body).
template <IsPolicy P> ExitCode run_merge(MergeJob& job, const ModelKinds<P>& kinds);

// Everything behind `int main` of merge_lora: folds the adapters of a model of the given kinds into its weights, in
// fp32.
template <class Build> int merge_main(int argc, char** argv, const Kinds<Build>& kinds) {
  prepare_streams();
  Messages messages(std::cerr, "merge_lora", kinds.compiled().version, colour_is_welcome(2));
  MergeRunner runner;
  Build::policies::for_each([&]<class P>(std::type_identity<P>) {
    if constexpr (P::precision == Precision::f32)
      runner = [&](MergeJob& job) { return run_merge<P>(job, kinds.template models<P>()); };
  });
  return run_program(messages, [&] {
    MergeProgram program(kinds.known(), kinds.compiled(), runner, messages, std::cout);
    return program({argv + 1, argv + argc});
  });
}

}  // namespace vlt::program
