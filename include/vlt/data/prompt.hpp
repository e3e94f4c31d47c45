#pragma once
#include <vlt/data/labels.hpp>

namespace vlt {

// The ids in front of an answer: exactly those that stood in front of it in training.
struct PromptTokens {
  std::vector<std::int32_t> ids;
  std::vector<ImagePosition> images;
};

// Encodes Renderer::prompt(). A blank at its end is left out where the tokenizer would put it into the answer's first
// token, as it did in training.
inline PromptTokens encode_prompt(Encoder& encoder, const Rendered& prompt) {
  const auto blank = prompt.text.find_last_not_of(' ') + 1;
  std::string text = prompt.text;
  if (blank < text.size()) {
    // Ask with the beginning of an answer in place; what it is does not matter, as long as it is a word.
    const Encoding e = encoder.encode(text + "A", prompt.written);
    const std::size_t end = e.offsets.empty() ? 0 : e.offsets.back().begin;
    if (end < text.size()) text.resize(std::max(end, blank));
  }
  std::vector<ByteRange> written = prompt.written;
  while (!written.empty() && written.back().begin >= text.size()) written.pop_back();
  if (!written.empty()) written.back().end = std::min(written.back().end, std::uint32_t(text.size()));
  Encoding e = encoder.encode(text, written);
  PromptTokens out;
  out.images = image_positions(e.offsets, prompt.images);
  out.ids = std::move(e.ids);
  return out;
}

}  // namespace vlt
