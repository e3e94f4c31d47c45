#pragma once
#include <algorithm>
#include <utility>
#include <vector>
#include <vlt/data/before_answer.hpp>
#include <vlt/data/render.hpp>

namespace vlt::data {

// Where an image of the record goes in the sequence of tokens.
struct ImagePosition {
  std::uint32_t token;
  std::size_t image;
};

// The ids of a whole conversation, which of them are learnt, and where its images go.
struct LabelledTokens {
  std::vector<std::int32_t> ids;
  std::vector<text::ByteRange> offsets;  // the bytes of the text that each id stands for
  std::vector<std::uint8_t> supervised;  // one for each id
  std::vector<ImagePosition> images;     // in the order of the text
};

// A token is learnt if its characters overlap an answer or its end. Offsets and spans are in order, so one walk does
// it.
inline std::vector<std::uint8_t> supervised_tokens(const std::vector<text::ByteRange>& offsets,
                                                   const std::vector<text::ByteRange>& spans) {
  std::vector<std::uint8_t> out(offsets.size(), 0);
  std::size_t first = 0;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    while (first < spans.size() && spans[first].end <= offsets[i].begin) ++first;
    for (std::size_t k = first; k < spans.size() && spans[k].begin < offsets[i].end; ++k)
      out[i] |= offsets[i].overlaps(spans[k]);
  }
  return out;
}

// Which tokens are the image marks that the template wrote.
inline std::vector<ImagePosition> image_positions(const std::vector<text::ByteRange>& offsets,
                                                  const std::vector<ImageMark>& marks) {
  std::vector<ImagePosition> out;
  std::size_t at = 0;
  for (const ImageMark& mark : marks) {
    while (at < offsets.size() && offsets[at] != mark.range) ++at;
    require(at < offsets.size(), "the template's image mark is one token: see check_template");
    out.push_back({std::uint32_t(at), mark.image});
  }
  return out;
}

// Where the part of a rendered text ends that generation would give the model before an answer. The part begins at a
// special token, so that nothing before it matters.
inline std::uint32_t given_before_answer(text::Encoder& encoder, const Rendered& r, text::ByteRange part) {
  std::vector<text::ByteRange> written;
  for (const text::ByteRange& w : r.written)
    if (w.overlaps(part))
      written.push_back({std::max(w.begin, part.begin) - part.begin, std::min(w.end, part.end) - part.begin});
  const text::Encoding e = encode_before_answer(encoder, r.text.substr(part.begin, part.end - part.begin), written);
  return part.begin + (e.offsets.empty() ? 0 : e.offsets.back().end);
}

// A blank that is a token of its own before an answer (a tokenizer that splits digits: " ", "7") is learnt where
// generation leaves it to the model, as it does where a word would have swallowed it.
inline void supervise_blanks(text::Encoder& encoder, const Rendered& r, LabelledTokens& t) {
  const auto only_blanks = [&](text::ByteRange b) {
    return b.begin < b.end && r.text.find_first_not_of(' ', b.begin) >= b.end;
  };
  std::size_t i = 0;
  std::uint32_t begin = 0;  // of the last special token that the template wrote behind an answer
  for (const text::ByteRange& answer : r.supervised) {
    while (i < t.ids.size() && t.offsets[i].end <= answer.begin) ++i;
    if (i > 0 && t.offsets[i - 1].end == answer.begin && only_blanks(t.offsets[i - 1])) {
      const std::uint32_t given = given_before_answer(encoder, r, {begin, answer.begin});
      for (std::size_t k = i; k > 0 && only_blanks(t.offsets[k - 1]) && t.offsets[k - 1].begin >= given; --k)
        t.supervised[k - 1] = 1;
    }
    while (i < t.ids.size() && t.offsets[i].end <= answer.end) ++i;
    begin = i > 0 ? t.offsets[i - 1].begin : 0;
  }
}

// Encodes a rendered conversation once, as a whole. Throws DATA-LABEL-001 if nothing in it is learnt.
inline LabelledTokens label(text::Encoder& encoder, const Rendered& r) {
  text::Encoding e = encoder.encode(r.text, r.written);
  LabelledTokens out;
  out.supervised = supervised_tokens(e.offsets, r.supervised);
  if (std::find(out.supervised.begin(), out.supervised.end(), 1) == out.supervised.end())
    throw Error(ExitCode::data, Complaint("DATA-LABEL-001", "no supervised token: there is nothing to learn here")
                                    .expected("an answer of at least one token"));
  out.images = image_positions(e.offsets, r.images);
  out.ids = std::move(e.ids);
  out.offsets = std::move(e.offsets);
  supervise_blanks(encoder, r, out);
  return out;
}

}  // namespace vlt::data
