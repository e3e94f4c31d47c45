#pragma once
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>
#include <vlt/base/thread_clock.hpp>
#include <vlt/image/image.hpp>
#include <vlt/image/image_limits.hpp>

// jpeglib.h needs size_t and FILE before it.
#include <jerror.h>
#include <jpeglib.h>

namespace vlt::image::jpeg {

// CMYK as Adobe stores it (inverted) to RGB, with Pillow's rounding: 255 - k - round(c (255 - k) / 255).
inline std::uint8_t from_inverted_cmyk(int ink, int black) {
  const int t = (255 - ink) * black + 128;
  return std::uint8_t(std::max(0, black - (((t >> 8) + t) >> 8)));
}

// A row of four channels to RGB.
inline void inverted_cmyk_to_rgb(const std::uint8_t* from, std::uint8_t* to, int pixels) {
  for (int i = 0; i < pixels; ++i, from += 4, to += 3)
    for (int c = 0; c < 3; ++c) to[c] = from_inverted_cmyk(from[c], from[3]);
}

// One decompression. Everything is plain data, because libjpeg leaves it by longjmp.
struct Session {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
  int scans;
  double seconds;  // allowed
  double begun;

  static Session& of(j_common_ptr c) { return *static_cast<Session*>(c->client_data); }
  static void leave(j_common_ptr c) {
    Session& s = of(c);
    (*c->err->format_message)(c, s.message);
    std::longjmp(s.back, 1);
  }
  static void note(j_common_ptr c, int level) {
    if (level < 0) leave(c);  // a warning: the data is damaged
  }
  static void say_nothing(j_common_ptr) {}
  static void watch(j_common_ptr c) {
    Session& s = of(c);
    if (s.info.input_scan_number > s.scans) std::snprintf(s.message, sizeof s.message, "too many scans");
    else if (thread_seconds() - s.begun > s.seconds)
      std::snprintf(s.message, sizeof s.message, "decoding takes more than %g s (--limit_image_seconds)", s.seconds);
    else return;
    std::longjmp(s.back, 1);
  }

  // Fills (height, width, 3) bytes; `line` holds one row of four channels. False: `message` says why.
  bool run(std::string_view bytes, Image& out, std::uint8_t* line, const ImageLimits& limits) {
    info.err = jpeg_std_error(&errors);
    errors.error_exit = leave, errors.emit_message = note, errors.output_message = say_nothing;
    info.client_data = this;
    scans = limits.jpeg_scans, seconds = limits.seconds, begun = thread_seconds();
    if (setjmp(back) != 0) {
      jpeg_destroy_decompress(&info);
      return false;
    }
    jpeg_create_decompress(&info);
    progress.progress_monitor = watch;
    info.progress = &progress;
    info.mem->max_memory_to_use = long(limits.memory(out.width, out.height));
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&info, TRUE);
    info.out_color_space = info.num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&info);
    if (int(info.output_width) != out.width || int(info.output_height) != out.height) {
      std::snprintf(message, sizeof message, "sizes differ from the frame's");
      std::longjmp(back, 1);
    }
    while (info.output_scanline < info.output_height) {
      std::uint8_t* row = out.row(int(info.output_scanline));
      JSAMPROW to = info.num_components == 4 ? line : row;
      jpeg_read_scanlines(&info, &to, 1);
      if (info.num_components == 4) inverted_cmyk_to_rgb(line, row, out.width);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    return true;
  }
};

inline std::string turbo_name() {
#define VLT_TEXT_OF(x) #x
#define VLT_TEXT(x) VLT_TEXT_OF(x)
#ifdef LIBJPEG_TURBO_VERSION
  return "libjpeg-turbo " VLT_TEXT(LIBJPEG_TURBO_VERSION);
#else
  return "libjpeg " VLT_TEXT(JPEG_LIB_VERSION);
#endif
#undef VLT_TEXT
#undef VLT_TEXT_OF
}

// Decodes what passed the pre-flight. Every warning of the library is a fault: it means that pixels are guessed.
inline Image decode_turbo(std::string_view bytes, const ImageHeader& h, const ImageLimits& limits,
                          const ImageFault& fault) {
  Image out(int(h.width), int(h.height));
  std::vector<std::uint8_t> line(h.channels == 4 ? std::size_t(h.width) * 4 : 0);
  Session session{};
  if (!session.run(bytes, out, line.data(), limits))
    fault("041", "the JPEG cannot be decoded", "data that libjpeg-turbo reads without a warning", session.message);
  return out;
}

}  // namespace vlt::image::jpeg
