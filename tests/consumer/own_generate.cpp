// generate_main with our own kinds: answers of the models that own_sft has trained.
#include <vlt/program/generate_program.hpp>
#include "own_kinds.hpp"

int main(int argc, char** argv) { return vlt::program::generate_main(argc, argv, own_kinds()); }
