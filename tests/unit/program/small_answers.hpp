#pragma once
#include <unit/program/small_program.hpp>
#include <vlt/program/generate_program.hpp>
#include <vlt/program/generate_run.hpp>

// generate_main in one process.
namespace small_program {

inline Ran generate(Words args, const std::string& typed = {}, const program::Kinds<Build>& known = kinds()) {
  std::istringstream in(typed);
  std::ostringstream out, errors;
  program::Messages messages(errors, "generate_main", "0");
  const program::GenerateRunner runner = [&](program::GenerateJob& job) {
    return program::run_generate<P>(job, known.models<P>());
  };
  args.insert(args.end(), {"--num_threads", "1"});
  const int code = program::run_program(messages, [&] {
    program::GenerateProgram run(known.known(), known.compiled(), {{"fp32", runner}}, messages, in, out);
    return run(args);
  });
  return {code, out.str(), errors.str()};
}

}  // namespace small_program
