// merge_lora: folds the adapters of a model that sft_main trained into its weights. --help lists its options.
#include <instances/kinds.hpp>
#include <vlt/program/merge_program.hpp>
#include <vlt/program/merge_run.hpp>

int main(int argc, char** argv) { return vlt::program::merge_main(argc, argv, vlt::compiled_in_kinds()); }
