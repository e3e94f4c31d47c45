#pragma once
#include <vlt/options/option_table.hpp>

namespace vlt::program {

// What the programs beside sft_main have in common.
template <class O> void add_program_options(OptionTable<O>& t) {
  t.group = "Run";
  t.add("config", &O::config, "JSON object with options by name, or a run's receipt.json; the command line wins.");
  t.add("num_threads", &O::num_threads, "Threads that compute; 0: all cores.").from(0).to(1024);
  t.add("log_format", &O::log_format, "Of errors.").one_of({"text", "json"});
  t.add("print_options_md", &O::print_options_md, "Print this list as Markdown, then stop.");
  t.add("help", &O::help, "Print the names of the options, or explain one, or a group of them, or `all`; then stop.");
  t.add("version", &O::version, "Print the version and what this program was built with, then stop.");
}

}  // namespace vlt::program
