#pragma once
// What stb_image includes, here, so that its own includes are empty inside a namespace.
#include <cassert>
#include <climits>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#if __has_include(<emmintrin.h>)
#include <emmintrin.h>
#endif

// A copy of stb_image of our own: every function is static and in this namespace, and takes memory from a budget.
namespace vlt::image::stb {

// What the decoder on this thread may still allocate. Blocks are zeroed: stb_image 2.27 reads some before it writes
// them.
struct Budget {
  std::size_t left = 0;
  bool refused = false;

  void* allocate(std::size_t bytes) {
    if (bytes > left) return refused = true, nullptr;
    auto* block = static_cast<std::max_align_t*>(std::calloc(1, bytes + sizeof(std::max_align_t)));
    if (!block) throw std::bad_alloc();  // stb_image 2.27 does not look everywhere
    std::memcpy(block, &bytes, sizeof bytes);
    left -= bytes;
    return block + 1;
  }
  void release(void* p) {
    if (!p) return;
    auto* block = static_cast<std::max_align_t*>(p) - 1;
    std::size_t bytes;
    std::memcpy(&bytes, block, sizeof bytes);
    left += bytes;
    std::free(block);
  }
  void* resize(void* p, std::size_t before, std::size_t bytes) {
    void* fresh = allocate(bytes);
    if (fresh && p) std::memcpy(fresh, p, before < bytes ? before : bytes);
    if (fresh) release(p);
    return fresh;
  }
};
inline thread_local Budget budget;

#ifdef STBI_INCLUDE_STB_IMAGE_H  // the program's own copy was there first, and must not come twice
#define VLT_STB_IMAGE_INCLUDED
#undef STBI_INCLUDE_STB_IMAGE_H
#endif
#undef STBIDEF
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS 16384
#define STBI_ASSERT(x) ((void)(x))
#define STBI_MALLOC(bytes) vlt::image::stb::budget.allocate(bytes)
#define STBI_REALLOC_SIZED(p, before, bytes) vlt::image::stb::budget.resize(p, before, bytes)
#define STBI_FREE(p) vlt::image::stb::budget.release(p)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image.h>
#pragma GCC diagnostic pop
#undef STB_IMAGE_STATIC  // another copy has its own settings
#undef STB_IMAGE_IMPLEMENTATION
#undef STBI_ONLY_PNG
#undef STBI_ONLY_JPEG
#undef STBI_NO_STDIO
#undef STBI_NO_HDR
#undef STBI_NO_LINEAR
#undef STBI_MAX_DIMENSIONS
#undef STBI_ASSERT
#undef STBI_MALLOC
#undef STBI_REALLOC_SIZED
#undef STBI_FREE
#undef STBI_INCLUDE_STB_IMAGE_H
#ifdef VLT_STB_IMAGE_INCLUDED
#define STBI_INCLUDE_STB_IMAGE_H
#undef VLT_STB_IMAGE_INCLUDED
#endif
#undef STBIDEF

}  // namespace vlt::image::stb
