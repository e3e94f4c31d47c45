// generate_main: answers questions about pictures with a model that sft_main trained. --help lists its options.
#include <instances/kinds.hpp>
#include <vlt/program/generate_program.hpp>

int main(int argc, char** argv) { return vlt::program::generate_main(argc, argv, vlt::compiled_in_kinds()); }
