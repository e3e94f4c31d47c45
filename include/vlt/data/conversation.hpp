#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>
#include <vlt/base/error.hpp>

namespace vlt::data {

// A question and its answer. Images at the edge of the question belong to the turn's image slot; a mark inside the
// question stays where it is.
struct Turn {
  std::string question, answer;
  std::size_t unmarked = 0;  // images of the turn's image slot that have no mark: of a record that was joined to others
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
  const auto without_newlines_before = [](std::string_view s) {
    return s.substr(std::min(s.find_first_not_of('\n'), s.size()));
  };
  const auto without_newlines_after = [](std::string_view s) { return s.substr(0, s.find_last_not_of('\n') + 1); };
  for (;; ++front) {
    const std::string_view rest = without_newlines_before(text);
    if (!rest.starts_with(image_mark)) break;
    text = without_newlines_before(rest.substr(image_mark.size()));
  }
  for (;; ++back) {
    const std::string_view rest = without_newlines_after(text);
    if (!rest.ends_with(image_mark)) break;
    text = without_newlines_after(rest.substr(0, rest.size() - image_mark.size()));
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
// one mark for each image (else DATA-IMG-004).
inline std::vector<PlacedQuestion> place_images(const Conversation& c) {
  require(!c.turns.empty(), "a conversation has at least one turn");
  std::vector<PlacedQuestion> placed;
  std::size_t marks = 0;
  for (const Turn& t : c.turns) {
    std::vector<std::size_t> unmarked;
    while (unmarked.size() < t.unmarked) unmarked.push_back(marks++);
    PlacedQuestion q = place_images(t.question, marks);
    marks += q.slot.size() + q.inside.size();
    q.slot.insert(q.slot.begin(), unmarked.begin(), unmarked.end());
    placed.push_back(std::move(q));
  }
  if (marks == 0)
    for (std::size_t i = 0; i < c.images; ++i) placed[0].slot.push_back(i);
  else if (marks != c.images)
    throw Error(ExitCode::data,
                Complaint("DATA-IMG-004", "image count does not match `<image>` marks")
                    .expected("one mark for each image, or none: " + std::to_string(c.images) + " images are listed")
                    .found(std::to_string(marks) + " marks")
                    .help("make the marks in the text as many as the files in `image`"));
  return placed;
}

// How many images of a conversation have no mark: all or none.
inline std::size_t unmarked_images(const Conversation& c) {
  const bool marked = std::any_of(c.turns.begin(), c.turns.end(),
                                  [](const Turn& t) { return t.question.find(image_mark) != std::string::npos; });
  return marked ? 0 : c.images;
}

}  // namespace vlt::data
