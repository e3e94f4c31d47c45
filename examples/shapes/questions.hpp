#pragma once
#include <optional>
#include <string>
#include <vector>

#include "scene.hpp"

namespace shapes {

// A question about a picture and its only right answer.
struct Turn {
  std::string question, answer;
};

enum Topic { colour_topic, form_topic, count_topic, position_topic, left_topic, topics };

namespace detail {

// A shape that the predicate singles out, drawn evenly among such shapes.
template <class Alike> const Shape* single_out(const Scene& scene, Dice& dice, Alike alike) {
  std::vector<const Shape*> single;
  for (const Shape& s : scene.shapes)
    if (scene.count([&](const Shape& other) { return alike(s, other); }) == 1) single.push_back(&s);
  return single.empty() ? nullptr : dice.one_of(single);
}
inline bool same_form(const Shape& a, const Shape& b) { return a.form == b.form; }
inline bool same_colour(const Shape& a, const Shape& b) { return a.colour == b.colour; }
inline bool same_name(const Shape& a, const Shape& b) { return same_form(a, b) && same_colour(a, b); }

inline std::optional<Turn> ask_colour(const Scene& scene, Dice& dice) {
  if (dice.chance(30)) {
    const Shape& s = dice.one_of(scene.shapes);
    return Turn{std::string("What colour is the shape at the ") + cell_names[s.cell] + "?", colour_names[s.colour]};
  }
  const Shape* s = single_out(scene, dice, same_form);
  if (!s) return std::nullopt;
  return Turn{std::string("What colour is the ") + form_names[s->form] + "?", colour_names[s->colour]};
}

inline std::optional<Turn> ask_form(const Scene& scene, Dice& dice) {
  if (dice.chance(50)) {
    const Shape& s = dice.one_of(scene.shapes);
    return Turn{std::string("What is at the ") + cell_names[s.cell] + "?", form_names[s.form]};
  }
  const Shape* s = single_out(scene, dice, same_colour);
  if (!s) return std::nullopt;
  return Turn{std::string("What shape is the ") + colour_names[s->colour] + " one?", form_names[s->form]};
}

// The answer is drawn first, so that no number is more likely than another.
inline std::optional<Turn> ask_count(const Scene& scene, Dice& dice) {
  const int wanted = dice.below(cells);
  std::vector<Turn> fitting;
  const auto consider = [&](const std::string& what, int count) {
    if (count == wanted) fitting.push_back({"How many " + what + " are there?", std::to_string(count)});
  };
  for (int f = 0; f < forms; ++f)
    consider(std::string(form_names[f]) + "s", scene.count([&](const Shape& s) { return s.form == f; }));
  for (int c = 0; c < colours; ++c)
    consider(std::string(colour_names[c]) + " shapes", scene.count([&](const Shape& s) { return s.colour == c; }));
  const int all = static_cast<int>(scene.shapes.size());
  if (all == wanted + 1) fitting.push_back({"How many shapes are there?", std::to_string(all)});
  if (fitting.empty()) return std::nullopt;
  return dice.one_of(fitting);
}

// Words that single out one of the shapes for which `fits` holds: its form, its colour, or both.
struct Named {
  const Shape* shape;
  std::string words;
};
template <class Fits> std::optional<Named> name_one(const Scene& scene, Dice& dice, Fits fits) {
  const int style = dice.below(3);
  const Shape* s = single_out(scene, dice, style == 0 ? same_form : style == 1 ? same_colour : same_name);
  if (!s || !fits(*s)) return std::nullopt;
  return Named{s, style == 0   ? form_names[s->form]
                  : style == 1 ? std::string(colour_names[s->colour]) + " shape"
                               : s->name()};
}

inline std::optional<Turn> ask_position(const Scene& scene, Dice& dice) {
  const auto named = name_one(scene, dice, [](const Shape&) { return true; });
  if (!named) return std::nullopt;
  return Turn{"Where is the " + named->words + "?", cell_names[named->shape->cell]};
}

inline std::optional<Turn> ask_left(const Scene& scene, Dice& dice) {
  const auto named = name_one(
      scene, dice, [&](const Shape& s) { return right_column(s.cell) && scene.in_cell(s.cell - 1) != nullptr; });
  if (!named) return std::nullopt;
  return Turn{"What is left of the " + named->words + "?", scene.in_cell(named->shape->cell - 1)->name()};
}

}  // namespace detail

// Nothing, where the scene has no unambiguous question of this topic.
inline std::optional<Turn> ask(Topic topic, const Scene& scene, Dice& dice) {
  switch (topic) {
    case colour_topic:
      return detail::ask_colour(scene, dice);
    case form_topic:
      return detail::ask_form(scene, dice);
    case count_topic:
      return detail::ask_count(scene, dice);
    case position_topic:
      return detail::ask_position(scene, dice);
    default:
      return detail::ask_left(scene, dice);
  }
}

// Different questions about one scene, topics drawn evenly among those that the scene allows.
inline std::vector<Turn> ask_many(const Scene& scene, int wanted, Dice& dice) {
  std::vector<Turn> turns;
  for (int tries = 0; tries < 40 * wanted && static_cast<int>(turns.size()) < wanted; ++tries) {
    std::optional<Turn> turn = ask(Topic(dice.below(topics)), scene, dice);
    if (!turn) continue;
    bool repeated = false;
    for (const Turn& t : turns) repeated |= t.question == turn->question;
    if (!repeated) turns.push_back(std::move(*turn));
  }
  return turns;
}

// Everything that is in the picture, row by row.
inline Turn describe(const Scene& scene) {
  std::string all;
  for (int cell = 0; cell < cells; ++cell)
    if (const Shape* s = scene.in_cell(cell)) all += (all.empty() ? "" : ", ") + s->name() + " " + cell_names[cell];
  return {"Describe the picture.", all};
}

// Questions without a picture.
inline Turn ask_fact(Dice& dice) {
  static const std::array<Turn, 8> facts{{{"How many sides does a triangle have?", "3"},
                                          {"How many corners does a square have?", "4"},
                                          {"How many sides does a square have?", "4"},
                                          {"How many corners does a circle have?", "0"},
                                          {"What colour is a ripe banana?", "yellow"},
                                          {"What colour is fresh grass?", "green"},
                                          {"What colour is the sky at noon?", "blue"},
                                          {"What shape has three corners?", "triangle"}}};
  return dice.one_of(facts);
}

}  // namespace shapes
