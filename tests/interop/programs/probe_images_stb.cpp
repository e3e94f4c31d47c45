// Pixels with stb_image as the only decoder, where this build knows it.
#ifdef VLT_HAVE_STB
#undef VLT_HAVE_JPEG
#undef VLT_HAVE_PNG
#include "prepare_images.hpp"

int main(int count, char** words) { return vlt::prepare_images(count, words); }
#else
#include <cstdio>

int main() {
  std::puts("this build has no stb_image");
  return 77;
}
#endif
