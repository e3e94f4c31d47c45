#pragma once
#include <bit>
#include <map>
#include <vlt/report/record_file.hpp>
#include <vlt/report/tensorboard_log.hpp>
#include <vlt/text/protobuf_reader.hpp>

// What TensorBoard shows of a folder of event files: all of them one after another, and a process that begins at a step
// takes back what was said of it and of later ones.
namespace shown_events {
using vlt::Index;
using vlt::text::ProtobufReader;

struct Shown {
  std::map<std::string, std::vector<std::pair<Index, double>>> scalars;
  std::map<std::string, std::vector<std::pair<Index, std::string>>> texts, pictures, plugins;  // pictures: PNG

  std::vector<Index> steps(const std::string& tag) const {
    std::vector<Index> all;
    if (scalars.contains(tag))
      for (const auto& [step, value] : scalars.at(tag)) all.push_back(step);
    return all;
  }
};

inline double double_of(std::string_view bytes) {
  std::uint64_t bits = 0;
  for (std::size_t i = 8; i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(bytes[i]);
  return std::bit_cast<double>(bits);
}

// The fields of a message that hold bytes or messages; and its numbers.
struct Message {
  std::multimap<int, std::string> bytes;
  std::map<int, std::uint64_t> numbers;
  std::map<int, float> reals;

  explicit Message(std::string_view of, std::initializer_list<int> floats = {}) {
    for (ProtobufReader r(of, "event"); r.next();) {
      const int field = int(r.field());
      try {
        bytes.emplace(field, r.bytes());
      } catch (const vlt::Error&) {
        if (std::find(floats.begin(), floats.end(), field) != floats.end()) reals[field] = r.number();
        else try {
            numbers[field] = r.varint();
          } catch (const vlt::Error&) {}
      }
    }
  }
  bool has(int field) const { return bytes.contains(field); }
  std::string at(int field) const { return bytes.contains(field) ? bytes.find(field)->second : std::string(); }
};

inline void show_value(const std::string& value, Index step, Shown& shown) {
  const Message v(value, {2});
  const std::string tag = v.at(1), owner = Message(Message(v.at(9)).at(1)).at(1);
  if (v.reals.contains(2)) shown.scalars[tag].emplace_back(step, v.reals.at(2));
  if (v.has(4)) shown.pictures[tag].emplace_back(step, Message(v.at(4)).at(4));
  if (owner == "text") shown.texts[tag].emplace_back(step, Message(v.at(8)).at(8));
  else if (!owner.empty()) shown.plugins[owner].emplace_back(step, tag);
}

inline Shown of(const std::string& folder) {
  Shown shown;
  for (const std::string& path : vlt::report::TensorBoardLog::files_in(folder))
    vlt::report::for_each_record(path, [&](std::string_view bytes) {
      const Message e(bytes);
      const Index step = e.numbers.contains(2) ? Index(e.numbers.at(2)) : 0;
      if (e.has(7)) {
        const auto later = [&](const auto& shown_one) { return shown_one.first >= step; };
        for (auto& [tag, all] : shown.scalars) std::erase_if(all, later);
        for (auto* kind : {&shown.texts, &shown.pictures, &shown.plugins})
          for (auto& [tag, all] : *kind) std::erase_if(all, later);
      }
      if (!e.has(5)) return;
      const Message summary(e.at(5));
      for (const auto& [field, value] : summary.bytes) show_value(value, step, shown);
    });
  return shown;
}

}  // namespace shown_events
