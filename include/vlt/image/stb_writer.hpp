#pragma once
// What stb_image_write includes, here, so that its own includes are empty inside a namespace.
#include <cassert>
#include <cmath>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <new>

// A copy of stb_image_write of our own: every function is static and in this namespace.
namespace vlt::image::stb {

// stb_image_write does not expect that memory ends.
inline void* there(void* block) { return block ? block : throw std::bad_alloc(); }

#ifdef INCLUDE_STB_IMAGE_WRITE_H  // the program's own copy was there first, and must not come twice
#define VLT_STB_IMAGE_WRITE_INCLUDED
#undef INCLUDE_STB_IMAGE_WRITE_H
#endif
#undef STBIWDEF
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#define STBIW_MALLOC(bytes) vlt::image::stb::there(std::malloc(bytes))
#define STBIW_REALLOC(p, bytes) vlt::image::stb::there(std::realloc(p, bytes))
#define STBIW_FREE(p) std::free(p)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image_write.h>
#pragma GCC diagnostic pop
#undef STB_IMAGE_WRITE_STATIC  // another copy has its own settings
#undef STB_IMAGE_WRITE_IMPLEMENTATION
#undef STBI_WRITE_NO_STDIO
#undef INCLUDE_STB_IMAGE_WRITE_H
#ifdef VLT_STB_IMAGE_WRITE_INCLUDED
#define INCLUDE_STB_IMAGE_WRITE_H
#undef VLT_STB_IMAGE_WRITE_INCLUDED
#endif
#undef STBIWDEF
#undef STBIW_MALLOC
#undef STBIW_REALLOC
#undef STBIW_REALLOC_SIZED
#undef STBIW_FREE

}  // namespace vlt::image::stb
