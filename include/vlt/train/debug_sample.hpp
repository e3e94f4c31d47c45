#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include <vlt/data/aligned_text.hpp>
#include <vlt/data/image.hpp>

namespace vlt {

// An image of a debug sample: its file as it is, and the pixels that the model is given.
struct DebugImage {
  std::string name;
  std::string file;  // the bytes of the file
  Image seen;        // after resizing and cropping
};

// A training sample as the model is taught it, before image expansion.
struct DebugSample {
  std::string id, text;                  // rendered by the template
  std::vector<std::int32_t> ids;         // before image expansion
  std::vector<std::uint8_t> supervised;  // one for each id
  std::vector<ByteRange> tokens;         // the bytes of `text` each id stands for; empty for what the tokenizer adds
  std::vector<ByteRange> spans;          // answers and their ends, in bytes of `text`
  std::string truncation;                // empty: nothing was cut
  std::vector<DebugImage> images;
};

}  // namespace vlt
