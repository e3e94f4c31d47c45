#pragma once
#include <vlt/data/labels.hpp>

namespace vlt::data {

// The ids in front of an answer: exactly those that stood in front of it in training.
struct PromptTokens {
  std::vector<std::int32_t> ids;
  std::vector<ImagePosition> images;
};

// Encodes Renderer::prompt(). A blank at its end may be left to the model.
inline PromptTokens encode_prompt(text::Encoder& encoder, const Rendered& prompt) {
  text::Encoding e = encode_before_answer(encoder, prompt.text, prompt.written);
  return {std::move(e.ids), image_positions(e.offsets, prompt.images)};
}

}  // namespace vlt::data
