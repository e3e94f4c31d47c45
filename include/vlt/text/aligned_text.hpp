#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <vlt/base/utf8.hpp>
#include <vlt/text/tokenizer_fault.hpp>

namespace vlt::text {

// A half-open range of bytes.
struct ByteRange {
  std::uint32_t begin = 0, end = 0;
  bool empty() const { return begin >= end; }
  bool overlaps(ByteRange o) const { return std::max(begin, o.begin) < std::min(end, o.end); }
  bool operator==(const ByteRange&) const = default;
};

// Refuses a tokenizer that makes texts many times longer (exit 4, MODEL-TOK-021).
inline void refuse_if_longer(std::size_t bytes, std::size_t most) {
  if (bytes > most)
    refuse_tokenizer("TOK-021", "the tokenizer makes a text many times longer", "tokenizer",
                     "at most " + std::to_string(most) + " bytes of this text", std::to_string(bytes) + " and more",
                     "download the tokenizer again; its normalizer or decoder is none that is in use");
}

// A piece of the original text, perhaps rewritten, that still knows where each of its bytes came from.
class AlignedText {
 public:
  AlignedText(std::string_view original, ByteRange part) : original_(original), part_(part) {}

  std::string_view view() const {
    return rewritten_ ? std::string_view(text_) : original_.substr(part_.begin, part_.end - part_.begin);
  }
  std::size_t begin() const { return part_.begin; }
  // What may come of the original at most: no tokenizer in use makes a character longer than 11 times its bytes, and
  // one that does would ask for memory without end.
  std::size_t most() const { return 16 * std::size_t(part_.end - part_.begin) + 4096; }
  std::uint32_t begin32() const { return part_.begin; }

  // The characters of the original that bytes [b, e) of the view stand for.
  ByteRange origin(std::size_t b, std::size_t e) const {
    if (rewritten_) return {origins_[b].begin, origins_[e - 1].end};
    b += part_.begin, e += part_.begin;
    while (b > 0 && utf8::continues(original_[b])) --b;
    while (e < original_.size() && utf8::continues(original_[e])) ++e;
    return {std::uint32_t(b), std::uint32_t(e)};
  }

  AlignedText slice(ByteRange r) const {
    AlignedText s(original_, {origin(r.begin, r.begin + 1).begin, origin(r.end - 1, r.end).end});
    if (rewritten_)
      s.rewrite(text_.substr(r.begin, r.end - r.begin), {origins_.begin() + r.begin, origins_.begin() + r.end});
    return s;
  }

  // Takes over a new text, and for each of its bytes what it stands for in the original.
  void rewrite(std::string text, std::vector<ByteRange> origins) {
    refuse_if_longer(text.size(), most());
    text_ = std::move(text);
    origins_ = std::move(origins);
    rewritten_ = true;
  }
  // The new bytes stand for the first character.
  void prepend(std::string_view added) {
    if (view().empty()) return;
    refuse_if_longer(added.size() + view().size(), most());
    std::string text(added);
    text += view();
    std::vector<ByteRange> origins(added.size(), origin(0, 1));
    copy_origins(origins, 0, view().size());
    rewrite(std::move(text), std::move(origins));
  }
  void replace(std::string_view from, std::string_view to) {
    const std::string_view old = view();
    if (old.find(from) == std::string_view::npos) return;
    std::string text;
    std::vector<ByteRange> origins;
    std::size_t done = 0;
    for (std::size_t at = old.find(from); at != std::string_view::npos; at = old.find(from, done)) {
      text.append(old, done, at - done);
      copy_origins(origins, done, at);
      text += to;
      refuse_if_longer(text.size(), most());
      origins.insert(origins.end(), to.size(), origin(at + from.size() - 1, at + from.size()));
      done = at + from.size();
    }
    text.append(old, done);
    copy_origins(origins, done, old.size());
    rewrite(std::move(text), std::move(origins));
  }

 private:
  std::string_view original_;
  ByteRange part_;
  bool rewritten_ = false;
  std::string text_;
  std::vector<ByteRange> origins_;  // of each byte of text_

  void copy_origins(std::vector<ByteRange>& to, std::size_t b, std::size_t e) const {
    for (std::size_t i = b; i < e; ++i) to.push_back(origin(i, i + 1));
  }
};

}  // namespace vlt::text
