#pragma once
#include <algorithm>
#include <vector>
#include <vlt/data/encoder.hpp>
#include <vlt/data/render.hpp>

namespace vlt {

// Where an image of the record goes in the sequence of tokens.
struct ImagePosition {
  std::uint32_t token;
  std::size_t image;
};

// The ids of a whole conversation, which of them are learnt, and where its images go.
struct LabelledTokens {
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> supervised;  // one for each id
  std::vector<ImagePosition> images;     // in the order of the text
};

// A token is learnt if its characters overlap an answer or its end; both lists are in order, so one walk does it.
inline std::vector<std::uint8_t> supervised_tokens(const Encoding& e, const std::vector<ByteRange>& spans) {
  std::vector<std::uint8_t> out(e.ids.size(), 0);
  std::size_t first = 0;
  for (std::size_t i = 0; i < e.ids.size(); ++i) {
    while (first < spans.size() && spans[first].end <= e.offsets[i].begin) ++first;
    for (std::size_t k = first; k < spans.size() && spans[k].begin < e.offsets[i].end; ++k)
      out[i] |= e.offsets[i].overlaps(spans[k]);
  }
  return out;
}

// Encodes a rendered conversation once, as a whole.
inline LabelledTokens label(Encoder& encoder, const Rendered& r) {
  Encoding e = encoder.encode(r.text, r.written);
  LabelledTokens out;
  out.supervised = supervised_tokens(e, r.supervised);
  require(std::find(out.supervised.begin(), out.supervised.end(), 1) != out.supervised.end(), "no supervised token");
  std::size_t at = 0;
  for (const ImageMark& mark : r.images) {
    while (at < e.ids.size() && e.offsets[at] != mark.range) ++at;
    require(at < e.ids.size(), "the template's image mark is not one token of this tokenizer");
    out.images.push_back({std::uint32_t(at), mark.image});
  }
  out.ids = std::move(e.ids);
  return out;
}

}  // namespace vlt
