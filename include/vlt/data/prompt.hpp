#pragma once
#include <vlt/data/labels.hpp>

namespace vlt {

// The ids in front of an answer: exactly those that stood in front of it in training.
struct PromptTokens {
  std::vector<std::int32_t> ids;
  std::vector<ImagePosition> images;
};

// Encodes Renderer::prompt() as it was encoded in training, where an answer stood behind it: newlines at its end may be
// cut differently there, and a blank at its end may have gone into the answer's first token, which is then left to the
// model.
inline PromptTokens encode_prompt(Encoder& encoder, const Rendered& prompt) {
  // The beginning of an answer; what it is does not matter, as long as it is a word.
  Encoding e = encoder.encode(prompt.text + "A", prompt.written);
  const std::uint32_t size = prompt.size();
  const auto without_blanks = std::uint32_t(prompt.text.find_last_not_of(' ') + 1);
  std::size_t kept = e.ids.size();
  while (kept > 0 && e.offsets[kept - 1].end > size) --kept;
  const std::uint32_t reached = kept > 0 ? e.offsets[kept - 1].end : 0;
  if (reached < without_blanks) {  // more than a blank was merged: no answer's beginning can stand for all others
    e = encoder.encode(prompt.text, prompt.written);
    kept = e.ids.size();
  }
  e.ids.resize(kept), e.offsets.resize(kept);
  return {std::move(e.ids), image_positions(e.offsets, prompt.images)};
}

}  // namespace vlt
