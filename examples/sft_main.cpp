// sft_main: fine-tunes a vision-language model on conversations about images. --help lists its options.
#include <csignal>
#include <instances/kinds.hpp>
#include <iostream>
#include <vlt/pretrained/build_model.hpp>
#include <vlt/program/sft_program.hpp>

// One instance for each precision (instances/sft.cpp.in).
template <vlt::Precision F> vlt::ExitCode run_sft(vlt::SftJob& job);

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed terminal does not end a training
  vlt::Messages messages(std::cerr, "sft_main", VLT_VERSION, vlt::colour_is_welcome(2));
  vlt::dist::Single world;
  std::map<std::string, vlt::SftRunner> runners;
#define VLT_RUNNER(P) runners[vlt::precision_name<vlt::Precision::P>()] = run_sft<vlt::Precision::P>;
  VLT_FOR_EACH_PRECISION(VLT_RUNNER)
  return vlt::run_program(messages, [&] {
    return vlt::SftProgram(vlt::compiled_in(), std::move(runners), messages, std::cout, world)({argv + 1, argv + argc});
  });
}
