// Pixels as the programs see them, with the decoders of this build.
#include "prepare_images.hpp"

int main(int count, char** words) { return vlt::prepare_images(count, words); }
