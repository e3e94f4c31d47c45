#pragma once
#include <string>
#include <utility>
#include <vector>
#include <vlt/data/chat_template.hpp>
#include <vlt/data/conversation.hpp>
#include <vlt/text/aligned_text.hpp>

namespace vlt::data {

// Where an image of the record stands.
struct ImageMark {
  text::ByteRange range;
  std::size_t image;
};

// A conversation as one text, and which of its bytes are what.
struct Rendered {
  std::string text;
  std::vector<text::ByteRange>
      written;  // by the template: only here may special tokens stand; adjacent ranges are joined
  std::vector<text::ByteRange> supervised;  // an answer and its end, one range for each turn
  std::vector<ImageMark> images;            // in the order of the text
  std::vector<std::uint32_t> turn_ends;     // where a text of the first k + 1 turns would be cut

  // Appends what the template says.
  void write(std::string_view s) {
    if (s.empty()) return;
    const std::uint32_t at = size();
    text += s;
    if (!written.empty() && written.back().end == at) written.back().end = size();
    else written.push_back({at, size()});
  }
  // Appends somebody's words.
  void quote(std::string_view s) { text += s; }
  std::uint32_t size() const { return std::uint32_t(text.size()); }
};

// Writes a conversation down; substitution is a single pass, so {text} in somebody's words is only text.
class Renderer {
 public:
  explicit Renderer(const ChatTemplate& t) : t_(t) {
    t_.check();
    if (!t_.system.empty()) system_ = Around(t_.system, "{system}");
    const Around image(t_.user, "{image}"), text(image.after, "{text}");
    before_slot_ = image.before, before_text_ = text.before, after_text_ = text.after;
    answer_ = Around(t_.assistant, "{text}");
    mark_ = Around(t_.image, t_.mark);
  }

  // The whole conversation. Throws DATA-IMG-004 (marks and images differ in number), DATA-LABEL-002 (an empty answer),
  // DATA-TEMPLATE-001 (a system turn that the template cannot express).
  Rendered operator()(const Conversation& c) const {
    Rendered r = opened(c);
    const auto placed = place_images(c);
    for (std::size_t i = 0; i < c.turns.size(); ++i) {
      if (c.turns[i].answer.empty())
        refuse("DATA-LABEL-002", "an empty answer: no target tokens", "turn " + std::to_string(i + 1));
      question(placed[i], i, r);
      const std::uint32_t begin = r.size() + std::uint32_t(answer_.before.size());
      answer(c.turns[i].answer, r);
      r.supervised.push_back({begin, r.size()});
      r.turn_ends.push_back(r.size());
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
      if (i + 1 < c.turns.size()) answer(c.turns[i].answer, r);
    }
    r.write(answer_.before);
    return r;
  }

  const ChatTemplate& chat_template() const { return t_; }

 private:
  // A string of the template, cut at the place where something is put in.
  struct Around {
    std::string before, after;
    Around() = default;
    Around(std::string_view s, std::string_view place)
        : before(s.substr(0, s.find(place))), after(s.substr(s.find(place) + place.size())) {}
  };
  ChatTemplate t_;
  Around system_, answer_, mark_;
  std::string before_slot_, before_text_, after_text_;  // of a question

  [[noreturn]] static void refuse(const char* code, const char* what, std::string place = {}) {
    throw Error(ExitCode::data, Complaint(code, what).at(std::move(place)));
  }
  Rendered opened(const Conversation& c) const {
    Rendered r;
    if (c.has_system && t_.system.empty())
      refuse("DATA-TEMPLATE-001", "a system turn, but the template has no place for one");
    if (!c.has_system && t_.default_system.empty()) return r;
    r.write(system_.before);
    if (c.has_system) r.quote(c.system);
    else r.write(t_.default_system);
    r.write(system_.after);
    return r;
  }
  void answer(const std::string& text, Rendered& r) const {
    r.write(answer_.before);
    r.quote(text);
    r.write(answer_.after);
    r.write(t_.end);
  }
  void image(std::size_t number, Rendered& r) const {
    const std::uint32_t at = r.size();
    r.write(t_.mark);
    r.images.push_back({{at, r.size()}, number});
  }
  void question(const PlacedQuestion& q, std::size_t turn, Rendered& r) const {
    if (turn > 0) r.write(t_.separator);
    r.write(before_slot_);
    for (const std::size_t i : q.slot) {
      r.write(mark_.before);
      image(i, r);
      r.write(mark_.after);
    }
    r.write(before_text_);
    for (std::size_t i = 0; i < q.parts.size(); ++i) {
      if (i > 0) image(q.inside[i - 1], r);
      r.quote(q.parts[i]);
    }
    r.write(after_text_);
  }
};

}  // namespace vlt::data
