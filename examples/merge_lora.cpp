// merge_lora: folds the adapters of a model that sft_main trained into its weights. --help lists its options.
#include <csignal>
#include <instances/kinds.hpp>
#include <iostream>
#include <vlt/program/merge_program.hpp>
#include <vlt/program/merge_run.hpp>

namespace {

template <vlt::Precision F> vlt::ExitCode run_merge(vlt::MergeJob& job) {
  return vlt::MergeRun<F>(job, vlt::compiled_in_kinds<F>())();
}

// Null where fp32 is not compiled in.
template <vlt::Precision F> vlt::MergeRunner runner_in() {
  if constexpr (F == vlt::Precision::f32) return run_merge<F>;
  else return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  vlt::Messages messages(std::cerr, "merge_lora", VLT_VERSION, vlt::colour_is_welcome(2));
  vlt::MergeRunner runner = nullptr;
#define VLT_RUNNER(P) runner = runner ? runner : runner_in<vlt::Precision::P>();
  VLT_FOR_EACH_PRECISION(VLT_RUNNER)
  return vlt::run_program(messages, [&] {
    return vlt::MergeProgram(vlt::compiled_in(), runner, messages, std::cout)({argv + 1, argv + argc});
  });
}
