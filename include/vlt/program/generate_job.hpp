#pragma once
#include <functional>
#include <istream>
#include <memory>
#include <ostream>
#include <vlt/base/parallel.hpp>
#include <vlt/options/compiled_in.hpp>
#include <vlt/pretrained/exported_model.hpp>
#include <vlt/program/complain.hpp>
#include <vlt/program/generate_options.hpp>

namespace vlt::program {

// Everything generate_main knows before its model is built.
struct GenerateJob {
  GenerateOptions options;
  OptionTable<GenerateOptions> table;
  const KnownKinds& known;
  CompiledIn compiled;
  Messages& messages;
  std::istream& in;
  std::ostream& out;
  std::unique_ptr<Threads> threads;
  ExportedModel model;
};

using GenerateRunner = std::function<ExitCode(GenerateJob&)>;

}  // namespace vlt::program
