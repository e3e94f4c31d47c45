// generate_main: answers questions about pictures with a model that sft_main trained. --help lists its options.
#include <csignal>
#include <instances/kinds.hpp>
#include <iostream>
#include <vlt/pretrained/build_model.hpp>
#include <vlt/program/generate_program.hpp>

// One instance for each precision (instances/generate.cpp.in).
template <vlt::Precision F> vlt::ExitCode run_generate(vlt::GenerateJob& job);

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  vlt::Messages messages(std::cerr, "generate_main", VLT_VERSION, vlt::colour_is_welcome(2));
  std::map<std::string, vlt::GenerateRunner> runners;
#define VLT_RUNNER(P) runners[vlt::precision_name<vlt::Precision::P>()] = run_generate<vlt::Precision::P>;
  VLT_FOR_EACH_PRECISION(VLT_RUNNER)
  return vlt::run_program(messages, [&] {
    vlt::GenerateProgram program(vlt::compiled_in(), std::move(runners), messages, std::cin, std::cout);
    return program({argv + 1, argv + argc});
  });
}
