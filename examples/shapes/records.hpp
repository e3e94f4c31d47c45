#pragma once
#include <boost/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <vlt/image/image.hpp>
#include <vlt/io/file_hash.hpp>

#include "draw.hpp"
#include "questions.hpp"

namespace shapes {

// A data set in the making: its records as JSON and its pictures by name.
struct DataSet {
  boost::json::array records;
  std::vector<std::pair<std::string, vlt::image::Image>> pictures;
};

// Makes records of four kinds. No two pictures of one maker have the same pixels, whatever data set they went into.
class RecordMaker {
 public:
  explicit RecordMaker(std::uint64_t seed) : dice_(seed) {}

  DataSet make(const std::string& name, int count) {
    DataSet set;
    for (int i = 0; i < count; ++i) {
      const std::string id = name + "-" + std::to_string(i);
      const int kind = dice_.below(100);
      set.records.push_back(kind < 4    ? text_only(id)
                            : kind < 14 ? two_pictures(set, id)
                            : kind < 26 ? one_picture(set, id, 1)
                                        : one_picture(set, id, several_turns));
    }
    return set;
  }

 private:
  static constexpr int several_turns = 6;
  Dice dice_;
  std::set<std::string> seen_;  // hashes of the pixels of every picture

  Scene add_picture(DataSet& set, const std::string& name) {
    while (true) {
      const Scene scene = draw_scene(dice_);
      vlt::image::Image image(picture_pixels, picture_pixels);
      image.pixels = draw(scene);
      const auto* bytes = reinterpret_cast<const char*>(image.pixels.data());
      if (!seen_.insert(vlt::StreamHash().add({bytes, image.pixels.size()}).text()).second) continue;
      set.pictures.emplace_back(name, std::move(image));
      return scene;
    }
  }

  static void add_turn(boost::json::array& turns, const std::string& question, const std::string& answer) {
    turns.push_back({{"from", "human"}, {"value", question}});
    turns.push_back({{"from", "gpt"}, {"value", answer}});
  }
  static boost::json::object record(const std::string& id, boost::json::value image, boost::json::array turns) {
    return {{"id", id}, {"image", std::move(image)}, {"conversations", std::move(turns)}};
  }

  boost::json::object one_picture(DataSet& set, const std::string& id, int questions) {
    const std::string name = id + ".png";
    const Scene scene = add_picture(set, name);
    boost::json::array turns;
    std::vector<Turn> asked = ask_many(scene, questions, dice_);
    if (questions > 1) asked.push_back(describe(scene));
    for (const Turn& t : asked) add_turn(turns, (turns.empty() ? "<image>\n" : "") + t.question, t.answer);
    return record(id, boost::json::value(name), std::move(turns));
  }

  // Both pictures are shown first; every question says which one it is about.
  boost::json::object two_pictures(DataSet& set, const std::string& id) {
    const std::vector<std::string> names{id + "a.png", id + "b.png"};
    const std::vector<Scene> scenes{add_picture(set, names[0]), add_picture(set, names[1])};
    boost::json::array turns;
    std::set<std::string> asked;
    while (static_cast<int>(turns.size()) < 2 * several_turns) {
      const int which = dice_.below(2);
      const Turn t = ask_many(scenes[std::size_t(which)], 1, dice_).at(0);
      const std::string question = std::string(which ? "Second" : "First") + " picture: " + t.question;
      if (asked.insert(question).second)
        add_turn(turns, (turns.empty() ? "<image>\n<image>\n" : "") + question, t.answer);
    }
    return record(id, boost::json::value_from(names), std::move(turns));
  }

  boost::json::object text_only(const std::string& id) {
    boost::json::array turns;
    const Turn t = ask_fact(dice_);
    add_turn(turns, t.question, t.answer);
    return record(id, nullptr, std::move(turns));
  }
};

}  // namespace shapes
