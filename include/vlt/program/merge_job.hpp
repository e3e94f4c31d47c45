#pragma once
#include <memory>
#include <ostream>
#include <vlt/base/parallel.hpp>
#include <vlt/pretrained/exported_model.hpp>
#include <vlt/program/compiled_in.hpp>
#include <vlt/program/complain.hpp>
#include <vlt/program/merge_options.hpp>

namespace vlt {

// Everything merge_lora knows before a model is built.
struct MergeJob {
  MergeOptions options;
  OptionTable<MergeOptions> table;
  CompiledIn compiled;
  Messages& messages;
  std::ostream& out;
  std::unique_ptr<Threads> threads;
  ExportedModel model;
};

using MergeRunner = ExitCode (*)(MergeJob&);

}  // namespace vlt
