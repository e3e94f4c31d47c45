#pragma once
#include <functional>
#include <memory>
#include <ostream>
#include <vlt/base/parallel.hpp>
#include <vlt/options/compiled_in.hpp>
#include <vlt/pretrained/exported_model.hpp>
#include <vlt/program/complain.hpp>
#include <vlt/program/merge_options.hpp>

namespace vlt::program {

// Everything merge_lora knows before a model is built.
struct MergeJob {
  MergeOptions options;
  OptionTable<MergeOptions> table;
  const KnownKinds& known;
  CompiledIn compiled;
  Messages& messages;
  std::ostream& out;
  std::unique_ptr<Threads> threads;
  ExportedModel model;
};

using MergeRunner = std::function<ExitCode(MergeJob&)>;

}  // namespace vlt::program
