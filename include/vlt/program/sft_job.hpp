#pragma once
#include <fstream>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <vlt/base/parallel.hpp>
#include <vlt/data/image_reader.hpp>
#include <vlt/dist/seat.hpp>
#include <vlt/io/line_file.hpp>
#include <vlt/options/compiled_in.hpp>
#include <vlt/program/complain.hpp>
#include <vlt/program/settings.hpp>
#include <vlt/program/sft_start.hpp>
#include <vlt/report/audit_page.hpp>

namespace vlt::program {

// Everything that is known about a run before its model is built: what was asked, the model's description, the audited
// data. What follows depends on the precision and is compiled once for each.
struct SftJob {
  SftOptions options;  // as resolved, for the receipt and the report
  OptionTable<SftOptions> table;
  SftSettings settings;
  const KnownKinds& known;
  CompiledIn compiled;
  Messages& messages;
  std::ostream& out;
  dist::World& world;
  std::unique_ptr<Threads> threads;
  std::unique_ptr<OutputFolder> output;  // rank 0's; none for a plan, an audit or an evaluation
  ModelDescription model;
  std::optional<data::RunData> data;  // none: a plan from limits
  std::optional<data::ImageReader> images;
  std::optional<LineFile> skipped;    // skipped.jsonl: all bad records of a training, also of one that they end
  std::set<std::string> listed = {};  // its lines
  SftStart start = {};
  std::vector<RunFact> facts = {};     // of a training: what its numbers depend on
  std::vector<dist::Seat> seats = {};  // where the ranks compute

  data::BadSampleRules bad_sample_rules() const {
    data::BadSampleRules r = settings.data.bad;
    if (output) r.listed_in = output->file(OutputFolder::bad_records);
    return r;
  }
  // Opens the list of bad records, where there is a folder for it. A run that goes on keeps what the list has: the
  // records that were lost while decoding are read no more.
  void open_list() {
    if (!output) return;
    const std::string path = output->file(OutputFolder::bad_records);
    std::ifstream before(start.checkpoint ? path : "");
    std::vector<std::string> lines;
    for (std::string line; std::getline(before, line) && !before.eof();) lines.push_back(line);
    skipped.emplace(path, "the list of bad records");
    for (const std::string& line : lines) put(line);
  }
  // Writes a bad record down, once.
  void list(const data::RecordFault& f) {
    if (output) put(report::skipped_line(f));
  }
  void put(const std::string& line) {
    if (listed.insert(line).second) skipped->write(line);
  }
  // Whether no rank holds the whole model.
  bool shares_weights() const { return settings.zero.stage == 3; }
  // One rank speaks for all.
  bool speaks() const { return world.rank() == 0; }
  // Prints something; in a log of JSON as the text of one note.
  template <class T> void say(const T& what) {
    if (!speaks()) return;
    std::ostringstream text;
    text << what;
    if (settings.log_json) out << JsonLine().add("note", text.str()).text() << '\n' << std::flush;
    else out << text.str() << std::flush;
  }
  Index floats_per_image() const { return 3 * model.vision_sizes.image * model.vision_sizes.image; }
};

}  // namespace vlt::program
