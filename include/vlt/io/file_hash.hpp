#pragma once
#include <string>
#include <string_view>
#include <vlt/base/config.hpp>
#include <vlt/io/file.hpp>

// The whole of xxHash from its header: nothing to link. Its AVX-512 body is not taken, because g++ 12 warns in its own
// header of bytes that are not initialised there (GCC bug 105593); the hash is the same.
#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#if VLT_ISA_AVX2 && !defined(XXH_VECTOR)
#define XXH_VECTOR XXH_AVX2
#endif
#include <xxhash.h>

namespace vlt {

// XXH3 of a stream of bytes, 128 bits (Collet, xxHash). Equal for equal bytes, whatever the pieces they come in; no
// defence against somebody who makes two streams collide on purpose.
class StreamHash {
 public:
  StreamHash() { XXH3_128bits_reset(&state_); }

  StreamHash& add(std::string_view bytes) {
    XXH3_128bits_update(&state_, bytes.data(), bytes.size());
    return *this;
  }
  // "xxh3-128:" and 32 hexadecimal digits: those that `xxhsum -H128` prints.
  std::string text() const {
    static constexpr char digits[] = "0123456789abcdef";
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_));
    std::string out = "xxh3-128:";
    for (const unsigned char byte : canonical.digest) out += {digits[byte >> 4], digits[byte & 15]};
    return out;
  }

 private:
  XXH3_state_t state_;
};

// Tells whether two files hold the same bytes.
inline std::string file_hash(const File& file) {
  StreamHash hash;
  std::string block;
  for (std::uint64_t at = 0; at < file.size(); at += block.size()) {
    block.resize(std::size_t(std::min<std::uint64_t>(1 << 20, file.size() - at)));
    file.read(at, block.data(), block.size());
    hash.add(block);
  }
  return hash.text();
}

}  // namespace vlt
