#pragma once
#include <string>
#include <tuple>
#include <vector>
#include <vlt/data/aligned_text.hpp>
#include <vlt/data/chat_template.hpp>
#include <vlt/data/conversation.hpp>

namespace vlt {

// Where an image of the record stands.
struct ImageMark {
  ByteRange range;
  std::size_t image;
};

// A conversation as one text, and which of its bytes are what.
struct Rendered {
  std::string text;
  std::vector<ByteRange> written;     // by the template: only here may special tokens stand; adjacent ranges are joined
  std::vector<ByteRange> supervised;  // an answer and its end, one range for each turn
  std::vector<ImageMark> images;      // in the order of the text
  std::vector<std::uint32_t> turn_ends;  // where a text of the first k + 1 turns would be cut

  // Appends what the template says, or somebody's words.
  void write(std::string_view s) { mark(s.size(), written), text += s; }
  void quote(std::string_view s) { text += s; }

 private:
  void mark(std::size_t n, std::vector<ByteRange>& ranges) {
    const auto at = std::uint32_t(text.size());
    if (n == 0) return;
    if (!ranges.empty() && ranges.back().end == at) ranges.back().end += std::uint32_t(n);
    else ranges.push_back({at, at + std::uint32_t(n)});
  }
};

// Writes a conversation down; substitution is a single pass, so {text} in somebody's words is only text.
class Renderer {
 public:
  explicit Renderer(const ChatTemplate& t) : t_(t) {
    t_.check();
    const auto cut = [](std::string_view s, std::string_view at) {
      return std::pair(std::string(s.substr(0, s.find(at))), std::string(s.substr(s.find(at) + at.size())));
    };
    if (!t_.system.empty()) std::tie(before_system_, after_system_) = cut(t_.system, "{system}");
    std::string rest;
    std::tie(before_image_, rest) = cut(t_.user, "{image}");
    std::tie(before_text_, after_text_) = cut(rest, "{text}");
    std::tie(before_answer_, after_answer_) = cut(t_.assistant, "{text}");
    std::tie(before_mark_, after_mark_) = cut(t_.image, t_.mark);
  }

  Rendered operator()(const Conversation& c) const {
    Rendered r = opened(c);
    const auto placed = place_images(c);
    for (std::size_t i = 0; i < c.turns.size(); ++i) {
      require(!c.turns[i].answer.empty(), "turn " + std::to_string(i) + ": an empty answer has no target");
      question(placed[i], i, r);
      r.write(before_answer_);
      const auto begin = std::uint32_t(r.text.size());
      r.quote(c.turns[i].answer);
      r.write(after_answer_);
      r.write(t_.end);
      r.supervised.push_back({begin, std::uint32_t(r.text.size())});
      r.turn_ends.push_back(std::uint32_t(r.text.size()));
    }
    r.write(t_.tail);
    return r;
  }
  // The text up to where the model answers the last question; that turn's answer is not used.
  Rendered prompt(const Conversation& c) const {
    Rendered r = opened(c);
    const auto placed = place_images(c);
    for (std::size_t i = 0; i < c.turns.size(); ++i) {
      question(placed[i], i, r);
      r.write(before_answer_);
      if (i + 1 == c.turns.size()) break;
      r.quote(c.turns[i].answer);
      r.write(after_answer_);
      r.write(t_.end);
    }
    return r;
  }

 private:
  ChatTemplate t_;
  std::string before_system_, after_system_, before_image_, before_text_, after_text_, before_answer_, after_answer_,
      before_mark_, after_mark_;

  Rendered opened(const Conversation& c) const {
    Rendered r;
    require(!c.has_system || !t_.system.empty(), "the template has no place for a system turn");
    if (!c.has_system && t_.default_system.empty()) return r;
    r.write(before_system_);
    if (c.has_system) r.quote(c.system);
    else r.write(t_.default_system);
    r.write(after_system_);
    return r;
  }
  void image(std::size_t number, Rendered& r) const {
    const auto at = std::uint32_t(r.text.size());
    r.images.push_back({{at, at + std::uint32_t(t_.mark.size())}, number});
    r.write(t_.mark);
  }
  void question(const PlacedQuestion& q, std::size_t turn, Rendered& r) const {
    if (turn > 0) r.write(t_.separator);
    r.write(before_image_);
    for (const std::size_t i : q.slot) r.write(before_mark_), image(i, r), r.write(after_mark_);
    r.write(before_text_);
    for (std::size_t i = 0; i < q.parts.size(); ++i) {
      if (i > 0) image(q.inside[i - 1], r);
      r.quote(q.parts[i]);
    }
    r.write(after_text_);
  }
};

}  // namespace vlt
