#pragma once
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>
#include <vlt/base/thread_clock.hpp>
#include <vlt/image/image.hpp>
#include <vlt/image/image_limits.hpp>

namespace vlt::image::png {

// One reading. Everything is plain data, because libpng leaves it by longjmp.
struct Session {
  std::jmp_buf back;
  char message[256];
  const char* at;
  std::size_t left;
  double seconds;  // of this thread that end the attempt
  char too_slow[64];
  ::png_structp reader;
  ::png_infop info;

  static Session& of(void* p) { return *static_cast<Session*>(p); }
  [[noreturn]] static void leave(::png_structp p, ::png_const_charp what) {
    Session& s = of(::png_get_error_ptr(p));
    std::snprintf(s.message, sizeof s.message, "%s", what);
    std::longjmp(s.back, 1);
  }
  static void warn(::png_structp p, ::png_const_charp what) { leave(p, what); }
  static void give(::png_structp p, ::png_bytep to, std::size_t bytes) {
    Session& s = of(::png_get_io_ptr(p));
    if (bytes > s.left) leave(p, "the end of the file");
    if (thread_seconds() > s.seconds) leave(p, s.too_slow);
    std::memcpy(to, s.at, bytes);
    s.at += bytes, s.left -= bytes;
  }

  void choose_pixels() const {  // 8-bit RGB, whatever is stored; alpha is dropped, not applied
    const int colour = ::png_get_color_type(reader, info), depth = ::png_get_bit_depth(reader, info);
    if (colour == PNG_COLOR_TYPE_PALETTE) ::png_set_palette_to_rgb(reader);
    if (colour == PNG_COLOR_TYPE_GRAY && depth < 8) ::png_set_expand_gray_1_2_4_to_8(reader);
    if (depth == 16) ::png_set_strip_16(reader);  // the high byte
    if (colour == PNG_COLOR_TYPE_GRAY || colour == PNG_COLOR_TYPE_GRAY_ALPHA) ::png_set_gray_to_rgb(reader);
    ::png_set_strip_alpha(reader);
    ::png_set_interlace_handling(reader);
    ::png_read_update_info(reader, info);
  }

  // False: `message` says why. `rows` points at the rows of the image.
  bool run(std::string_view bytes, std::uint8_t** rows, std::size_t row_bytes, const ImageLimits& limits) {
    seconds = thread_seconds() + limits.seconds;
    std::snprintf(too_slow, sizeof too_slow, "decoding takes more than %g s (--limit_image_seconds)", limits.seconds);
    at = bytes.data(), left = bytes.size(), reader = nullptr, info = nullptr;
    if (setjmp(back) != 0) {
      if (reader) ::png_destroy_read_struct(&reader, &info, nullptr);
      return false;
    }
    reader = ::png_create_read_struct(PNG_LIBPNG_VER_STRING, this, leave, warn);
    info = reader ? ::png_create_info_struct(reader) : nullptr;
    if (!info) {
      std::snprintf(message, sizeof message, "out of memory");
      std::longjmp(back, 1);
    }
    ::png_set_user_limits(reader, ::png_uint_32(limits.side), ::png_uint_32(limits.side));
    ::png_set_chunk_malloc_max(reader, 8 << 20);
    ::png_set_chunk_cache_max(reader, 128);
    ::png_set_keep_unknown_chunks(reader, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);  // nothing but pixels is wanted
    ::png_set_read_fn(reader, this, give);
    ::png_read_info(reader, info);
    choose_pixels();
    if (::png_get_rowbytes(reader, info) != row_bytes) leave(reader, "rows differ from the header's");
    ::png_read_image(reader, rows);
    ::png_read_end(reader, nullptr);
    ::png_destroy_read_struct(&reader, &info, nullptr);
    return true;
  }
};

inline std::string library_name() { return "libpng " PNG_LIBPNG_VER_STRING; }

// Decodes what passed the pre-flight. Every warning of the library is a fault.
inline Image decode_libpng(std::string_view bytes, const ImageHeader& h, const ImageLimits& limits,
                           const ImageFault& fault) {
  Image out(int(h.width), int(h.height));
  std::vector<std::uint8_t*> rows(std::size_t(h.height));
  for (int y = 0; y < out.height; ++y) rows[std::size_t(y)] = out.row(y);
  Session session{};
  if (session.run(bytes, rows.data(), std::size_t(h.width) * 3, limits)) return out;
  const std::string what = session.message;
  if (what.find("Too much image data") != what.npos || what.find("Extra compressed data") != what.npos)
    fault("016", "the PNG holds more data than w x h needs", "w x h pixels", what);
  fault("042", "the PNG cannot be decoded", "data that libpng reads without a warning", what);
}

}  // namespace vlt::image::png
