// sft_main with our own kinds: every option, plan, training, export and report.
// quote: main
#include <vlt/program/sft_program.hpp>
#include "own_kinds.hpp"

int main(int argc, char** argv) { return vlt::program::sft_main(argc, argv, own_kinds()); }
// end of quote
