#pragma once
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace shapes {

// A stream of random choices. The same seed gives the same choices with every compiler and library.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  int below(int n) { return static_cast<int>((engine_() >> 32) * static_cast<std::uint64_t>(n) >> 32); }
  int between(int first, int last) { return first + below(last - first + 1); }
  bool chance(int percent) { return below(100) < percent; }
  template <class Range> const auto& one_of(const Range& range) {
    return range[static_cast<std::size_t>(below(static_cast<int>(std::size(range))))];
  }
  template <class T> void shuffle(std::vector<T>& list) {
    for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[std::size_t(below(int(i)))]);
  }

 private:
  std::mt19937_64 engine_;
};

enum Form { circle, square, triangle, forms };
enum Colour { red, green, blue, yellow, colours };
inline constexpr std::array<const char*, forms> form_names{"circle", "square", "triangle"};
inline constexpr std::array<const char*, colours> colour_names{"red", "green", "blue", "yellow"};

// The picture is two rows of two cells; a cell holds one shape or none.
inline constexpr int cells = 4, cell_pixels = 16, picture_pixels = 2 * cell_pixels;
inline constexpr std::array<const char*, cells> cell_names{"top left", "top right", "bottom left", "bottom right"};
inline constexpr bool right_column(int cell) { return cell % 2 == 1; }

// One drawn shape: what it is and where, in pixels.
struct Shape {
  Form form;
  Colour colour;
  int cell;
  int centre_x, centre_y, radius;
  int shade;  // added to each channel, -20..20

  std::string name() const { return std::string(colour_names[colour]) + " " + form_names[form]; }
};

// What a picture shows: one to four shapes on a dark background.
struct Scene {
  std::vector<Shape> shapes;
  std::array<std::uint8_t, 3> background;

  const Shape* in_cell(int cell) const {
    for (const Shape& s : shapes)
      if (s.cell == cell) return &s;
    return nullptr;
  }
  template <class Test> int count(Test test) const {
    int n = 0;
    for (const Shape& s : shapes) n += test(s);
    return n;
  }
};

inline Scene draw_scene(Dice& dice) {
  Scene scene;
  for (auto& channel : scene.background) channel = static_cast<std::uint8_t>(dice.between(0, 60));
  std::vector<int> free{0, 1, 2, 3};
  dice.shuffle(free);
  constexpr std::array<int, 10> how_many{1, 2, 2, 2, 3, 3, 3, 4, 4, 4};
  free.resize(static_cast<std::size_t>(dice.one_of(how_many)));
  for (int cell : free) {
    const int radius = dice.between(6, 7), room = 1;
    const int x = (cell % 2) * cell_pixels + cell_pixels / 2 + dice.between(-room, room);
    const int y = (cell / 2) * cell_pixels + cell_pixels / 2 + dice.between(-room, room);
    scene.shapes.push_back(
        {Form(dice.below(forms)), Colour(dice.below(colours)), cell, x, y, radius, dice.between(-20, 20)});
  }
  return scene;
}

}  // namespace shapes
