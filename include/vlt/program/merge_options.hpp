#pragma once
#include <vlt/options/read_limit_options.hpp>
#include <vlt/program/program_options.hpp>

namespace vlt::program {

// Everything a user can ask merge_lora for; the meaning of each member is in its row below.
struct MergeOptions : ReadLimits {
  std::optional<std::string> help;
  std::string model, output_dir, config, log_format = "text";
  Index num_threads = 0;
  bool version = false, print_options_md = false;
};

inline OptionTable<MergeOptions> merge_option_table() {
  using O = MergeOptions;
  OptionTable<O> t;
  t.rows.reserve(24);
  t.group = "Model";
  t.add("model", &O::model, "Folder of a model with adapters, as sft_main writes it (`epoch-K`).").reads("required");
  t.add("output_dir", &O::output_dir,
        "New folder for the same model without adapters: they are part of its weights, which keep their stored type.")
      .reads("required");
  t.group = "Limits of input";
  add_read_limits(t);
  add_program_options(t);
  return t;
}

}  // namespace vlt::program
