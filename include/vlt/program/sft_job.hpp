#pragma once
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <vlt/base/parallel.hpp>
#include <vlt/data/image_reader.hpp>
#include <vlt/dist/world.hpp>
#include <vlt/io/line_file.hpp>
#include <vlt/options/compiled_in.hpp>
#include <vlt/program/complain.hpp>
#include <vlt/program/output_folder.hpp>
#include <vlt/program/settings.hpp>
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
  std::optional<LineFile> skipped;  // skipped.jsonl: all bad records of a training, also of one that they end

  data::BadSampleRules bad_sample_rules() const {
    data::BadSampleRules r = settings.data.bad;
    if (output) r.listed_in = output->file(OutputFolder::bad_records);
    return r;
  }
  // Writes a bad record down, where there is a folder for it.
  void list(const data::RecordFault& f) {
    if (skipped) skipped->write(report::skipped_line(f));
  }
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
