#pragma once
#include <memory>
#include <ostream>
#include <vlt/base/parallel.hpp>
#include <vlt/train/compiled_in.hpp>
#include <vlt/train/complain.hpp>
#include <vlt/train/exported_model.hpp>
#include <vlt/train/merge_options.hpp>

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
