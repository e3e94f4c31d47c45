#pragma once
#include <span>
#include <string>
#include <vlt/text/encoder.hpp>

namespace vlt::data {

// Encodes the text before an answer as it is encoded in training, where an answer stands behind it: newlines at its end
// may be cut differently there, and a blank at its end may go into the answer's first token, which is then left to the
// model. written: where special tokens may stand.
inline text::Encoding encode_before_answer(text::Encoder& encoder, const std::string& text,
                                           std::span<const text::ByteRange> written) {
  // The beginning of an answer; what it is does not matter, as long as it is a word.
  text::Encoding e = encoder.encode(text + "A", written);
  const auto size = std::uint32_t(text.size()), without_blanks = std::uint32_t(text.find_last_not_of(' ') + 1);
  std::size_t kept = e.ids.size();
  while (kept > 0 && e.offsets[kept - 1].end > size) --kept;
  const std::uint32_t reached = kept > 0 ? e.offsets[kept - 1].end : 0;
  if (reached < without_blanks) {  // more than a blank was merged: no answer's beginning can stand for all others
    e = encoder.encode(text, written);
    kept = e.ids.size();
  }
  e.ids.resize(kept), e.offsets.resize(kept);
  return e;
}

}  // namespace vlt::data
