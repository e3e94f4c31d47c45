// Draws the shapes data set: pictures of coloured shapes, conversations about them, and two small models with random
// weights to train on it. The same seed draws the same files.
#include <fstream>
#include <iostream>
#include <vlt/image/png_encoder.hpp>
#include <vlt/options/option_pages.hpp>
#include <vlt/options/parse_options.hpp>
#include <vlt/program/complain.hpp>

#include "shapes/model_folders.hpp"
#include "shapes/records.hpp"

namespace {

// Everything a user can ask for; the meaning of each member is in its row below.
struct ShapesOptions {
  std::string output_dir;
  vlt::Index records = 20000, test_records = 500, seed = 1;
  std::optional<std::string> help;
};

vlt::OptionTable<ShapesOptions> shapes_option_table() {
  using O = ShapesOptions;
  constexpr double most = 1e8;  // records
  vlt::OptionTable<O> t;
  t.group = "Options";
  t.add("output_dir", &O::output_dir, "Receives train.json, test.json, images/, vision_model/ and language_model/.")
      .reads("required");
  t.add("records", &O::records, "Conversations in train.json.").from(1).to(most);
  t.add("test_records", &O::test_records, "Conversations in test.json, about other pictures.").from(1).to(most);
  t.add("seed", &O::seed, "Another seed draws another data set.").from(0);
  t.add("help", &O::help, "Print this list, then stop.");
  return t;
}

void write_pictures(const std::string& folder, const shapes::DataSet& set) {
  for (const auto& [name, image] : set.pictures) {
    std::ofstream file(folder + "/" + name, std::ios::binary);
    file << vlt::image::encode_png(image);
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

void draw(const ShapesOptions& o) {
  const auto seed = static_cast<std::uint64_t>(o.seed);
  vlt::make_folders(o.output_dir + "/images");
  shapes::RecordMaker maker(seed);
  const auto train = maker.make("train", int(o.records)), test = maker.make("test", int(o.test_records));
  for (const auto* set : {&train, &test}) write_pictures(o.output_dir + "/images", *set);
  vlt::write_file(o.output_dir + "/train.json", boost::json::serialize(train.records));
  vlt::write_file(o.output_dir + "/test.json", boost::json::serialize(test.records));
  const auto tokenizer = shapes::train_tokenizer(texts(train), 384);
  shapes::write_language_model(o.output_dir + "/language_model", tokenizer, seed);
  shapes::write_vision_model(o.output_dir + "/vision_model", seed);
  std::cout << train.records.size() << " training and " << test.records.size() << " test records, "
            << train.pictures.size() + test.pictures.size() << " pictures, "
            << vlt::text::vocabulary_size(tokenizer.file) << " tokens in " << o.output_dir << "\n";
}

vlt::ExitCode run(const vlt::Words& arguments) {
  const auto table = shapes_option_table();
  ShapesOptions o;
  vlt::OptionReader<ShapesOptions>(table, o).command_line(arguments);
  if (o.help) {
    std::cout << help_page(
        table, {"make_shapes_dataset", "draws a data set to train on, and two small models", {"--output_dir shapes"}},
        *o.help);
    return vlt::ExitCode::ok;
  }
  if (o.output_dir.empty()) vlt::refuse_option(vlt::missing_option("--output_dir"));
  vlt::require_new_folder(o.output_dir, "--output_dir");
  draw(o);
  return vlt::ExitCode::ok;
}

}  // namespace

int main(int count, char** words) {
  vlt::program::Messages messages(std::cerr, "make_shapes_dataset", VLT_VERSION, vlt::program::colour_is_welcome(2));
  return vlt::program::run_program(messages, [&] { return run({words + 1, words + count}); });
}
