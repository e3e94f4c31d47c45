// sft_main: fine-tunes a vision-language model on conversations about images. --help lists its options.
#include <instances/kinds.hpp>
#include <vlt/program/sft_program.hpp>

int main(int argc, char** argv) { return vlt::program::sft_main(argc, argv, vlt::compiled_in_kinds()); }
