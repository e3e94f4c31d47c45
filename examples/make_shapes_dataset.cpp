// Draws the shapes data set: pictures of coloured shapes, conversations about them, and two small models with random
// weights to train on it. The same seed draws the same files.
#include <charconv>
#include <fstream>
#include <iostream>
#include <vlt/image/png_encoder.hpp>

#include "shapes/model_folders.hpp"
#include "shapes/records.hpp"

namespace {

constexpr const char* usage =
    "usage: make_shapes_dataset --output_dir DIR [--records N] [--test_records N] [--seed S]\n"
    "  --output_dir DIR    receives train.json, test.json, images/, vision_model/ and language_model/\n"
    "  --records N         conversations in train.json (20000)\n"
    "  --test_records N    conversations in test.json, about other pictures (500)\n"
    "  --seed S            another seed draws another data set (1)\n";

struct Options {
  std::string output_dir;
  int records = 20000, test_records = 500;
  std::uint64_t seed = 1;
};

template <class T> T number(const std::string& option, const std::string& word, T lowest) {
  T value{};
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (problem != std::errc{} || end != word.data() + word.size() || value < lowest)
    throw vlt::Error(vlt::ExitCode::usage,
                     vlt::Complaint("OPT-VALUE-004", "`" + option + "` has a value it cannot take")
                         .expected("a whole number from " + std::to_string(lowest))
                         .found(word));
  return value;
}

Options parse(const std::vector<std::string>& words) {
  Options o;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const std::string name = words[i], value = i + 1 < words.size() ? words[i + 1] : "";
    if (name == "--output_dir" && !value.empty()) o.output_dir = value;
    else if (name == "--records") o.records = number(name, value, 1);
    else if (name == "--test_records") o.test_records = number(name, value, 1);
    else if (name == "--seed") o.seed = number<std::uint64_t>(name, value, 0);
    else throw vlt::Error(vlt::ExitCode::usage, vlt::Complaint("OPT-NAME-001", "unknown option or no value: " + name));
  }
  if (o.output_dir.empty())
    throw vlt::Error(vlt::ExitCode::usage, vlt::Complaint("OPT-NEED-002", "--output_dir is required"));
  return o;
}

void write_pictures(const std::string& folder, const shapes::DataSet& set) {
  for (const auto& [name, image] : set.pictures) {
    std::ofstream file(folder + "/" + name, std::ios::binary);
    file << vlt::encode_png(image);
    file.close();
    if (!file)
      throw vlt::Error(vlt::ExitCode::write,
                       vlt::Complaint("WRITE-FILE-001", "a file cannot be written").at(folder + "/" + name));
  }
}

std::vector<std::string> texts(const shapes::DataSet& set) {
  std::vector<std::string> all;
  for (const auto& record : set.records)
    for (const auto& turn : record.at("conversations").as_array())
      all.emplace_back(turn.at("value").as_string().c_str());
  return all;
}

void run(const Options& o) {
  vlt::make_folders(o.output_dir + "/images");
  shapes::RecordMaker maker(o.seed);
  const auto train = maker.make("train", o.records), test = maker.make("test", o.test_records);
  for (const auto* set : {&train, &test}) write_pictures(o.output_dir + "/images", *set);
  vlt::write_file(o.output_dir + "/train.json", boost::json::serialize(train.records));
  vlt::write_file(o.output_dir + "/test.json", boost::json::serialize(test.records));
  const auto tokenizer = shapes::train_tokenizer(texts(train), 384);
  shapes::write_language_model(o.output_dir + "/language_model", tokenizer, o.seed);
  shapes::write_vision_model(o.output_dir + "/vision_model", o.seed);
  std::cout << train.records.size() << " training and " << test.records.size() << " test records, "
            << train.pictures.size() + test.pictures.size() << " pictures, " << vlt::vocabulary_size(tokenizer.file)
            << " tokens in " << o.output_dir << "\n";
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string> arguments(words + 1, words + count);
  if (arguments.size() == 1 && arguments[0] == "--help") return std::cout << usage, 0;
  try {
    run(parse(arguments));
    return 0;
  } catch (const vlt::Error& e) {
    std::cerr << "make_shapes_dataset: " << e.what() << "\n" << usage;
    return static_cast<int>(e.exit());
  }
}
