#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>
#include <vlt/base/error.hpp>

namespace vlt {

// A question and its answer. Images at the edge of the question belong to the turn's image slot; a mark inside the
// question stays where it is.
struct Turn {
  std::string question, answer;
};

// A record as the data set holds it: an optional system text, turns, and how many images it has.
struct Conversation {
  std::string system;
  bool has_system = false;
  std::vector<Turn> turns;
  std::size_t images = 0;
};

inline constexpr std::string_view image_mark = "<image>";

// A question after its image marks were found. Images are numbered as their marks stand in the record: each mark keeps
// its own.
struct PlacedQuestion {
  std::vector<std::size_t> slot;    // images that go to the turn's image slot
  std::vector<std::size_t> inside;  // images between neighbours of `parts`
  std::vector<std::string> parts;
};

// Moves marks from the beginning and the end of a question to its slot, with the newlines around them; a question
// without marks at its edges keeps every byte.
inline PlacedQuestion place_images(std::string_view text, std::size_t first_image) {
  PlacedQuestion placed;
  std::size_t front = 0, back = 0;
  const auto trim_front = [](std::string_view& s) { s.remove_prefix(std::min(s.find_first_not_of('\n'), s.size())); };
  const auto trim_back = [](std::string_view& s) { s = s.substr(0, s.find_last_not_of('\n') + 1); };
  for (std::string_view rest = text;; ++front) {
    trim_front(rest);
    if (!rest.starts_with(image_mark)) break;
    rest.remove_prefix(image_mark.size());
    trim_front(rest);
    text = rest;
  }
  for (std::string_view rest = text;; ++back) {
    trim_back(rest);
    if (!rest.ends_with(image_mark)) break;
    rest.remove_suffix(image_mark.size());
    trim_back(rest);
    text = rest;
  }
  for (std::size_t i = 0; i < front; ++i) placed.slot.push_back(first_image++);
  for (std::size_t at; (at = text.find(image_mark)) != std::string_view::npos;
       text.remove_prefix(at + image_mark.size())) {
    placed.parts.emplace_back(text.substr(0, at));
    placed.inside.push_back(first_image++);
  }
  placed.parts.emplace_back(text);
  for (std::size_t i = 0; i < back; ++i) placed.slot.push_back(first_image++);
  return placed;
}

// Every question of a conversation. Without any mark all images go to the first turn's slot; otherwise there must be
// one mark for each image.
inline std::vector<PlacedQuestion> place_images(const Conversation& c) {
  require(!c.turns.empty(), "a conversation without turns");
  std::vector<PlacedQuestion> placed;
  std::size_t marks = 0;
  for (const Turn& t : c.turns) {
    placed.push_back(place_images(t.question, marks));
    marks += placed.back().slot.size() + placed.back().inside.size();
  }
  if (marks == 0)
    for (std::size_t i = 0; i < c.images; ++i) placed[0].slot.push_back(i);
  else if (marks != c.images)
    throw std::invalid_argument(std::to_string(marks) + " <image> marks, but " + std::to_string(c.images) + " images");
  return placed;
}

}  // namespace vlt
