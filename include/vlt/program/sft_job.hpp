#pragma once
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <sstream>
#include <vlt/base/parallel.hpp>
#include <vlt/data/data_options.hpp>
#include <vlt/data/image_reader.hpp>
#include <vlt/dist/world.hpp>
#include <vlt/options/compiled_in.hpp>
#include <vlt/pretrained/choose_training.hpp>
#include <vlt/pretrained/model_description.hpp>
#include <vlt/program/complain.hpp>
#include <vlt/program/options.hpp>
#include <vlt/program/output_folder.hpp>
#include <vlt/report/audit_page.hpp>

namespace vlt::program {

// Everything that is known about a run before its model is built: what was asked, the model's description, the audited
// data. What follows depends on the precision and is compiled once for each.
struct SftJob {
  SftOptions options;
  OptionTable<SftOptions> table;
  std::set<std::string> given;  // options that were given, not left at their defaults
  const KnownKinds& known;
  CompiledIn compiled;
  Messages& messages;
  std::ostream& out;
  dist::World& world;
  std::unique_ptr<Threads> threads;
  std::unique_ptr<OutputFolder> output;  // rank 0's; none for a plan, an audit or an evaluation
  ModelDescription model;
  TrainingChoice choice;
  std::optional<data::RunData> data;  // none: a plan from limits
  std::optional<data::ImageReader> images;
  std::ofstream skipped;  // skipped.jsonl: all bad records of a training, also of one that they end

  data::BadSampleRules bad_sample_rules() const {
    data::BadSampleRules r;
    r.policy = options.on_bad_sample == "skip" ? data::OnBadSample::skip : data::OnBadSample::fail;
    r.max_fraction = options.max_bad_fraction;
    if (output) r.listed_in = output->file(OutputFolder::bad_records);
    return r;
  }
  // Writes a bad record down, where there is a folder for it.
  void list(const data::RecordFault& f) {
    if (!output || skipped << report::skipped_line(f) << '\n' << std::flush) return;
    throw Error(ExitCode::write, Complaint("WRITE-LOG-001", "the list of bad records cannot be written")
                                     .at(output->file(OutputFolder::bad_records))
                                     .help("see that --output_dir is writable and that its disk has room"));
  }
  // One rank speaks for all.
  bool speaks() const { return world.rank() == 0; }
  // Prints something; in a log of JSON as the text of one note.
  template <class T> void say(const T& what) {
    if (!speaks()) return;
    std::ostringstream text;
    text << what;
    if (options.log_format == "json") out << JsonLine().add("note", text.str()).text() << '\n' << std::flush;
    else out << text.str() << std::flush;
  }
  int workers() const {
    const int cores = std::max(1, int(std::thread::hardware_concurrency()));
    return options.num_workers > 0 ? int(options.num_workers) : std::max(1, cores - 1);
  }
  static int threads_for(const SftOptions& o) {
    return o.num_threads > 0 ? int(o.num_threads) : std::max(1, int(std::thread::hardware_concurrency()));
  }
  data::RecordLimits record_limits() const {
    data::RecordLimits l;
    l.depth = int(options.limit_json_depth), l.record_bytes = options.limit_record_bytes;
    l.text_bytes = options.limit_text_bytes, l.turns = options.limit_turns, l.name_bytes = options.limit_path_bytes;
    l.images = options.max_num_image_per_sample;
    return l;
  }
  image::ImageLimits image_limits() const {
    image::ImageLimits l;
    l.file_bytes = std::uint64_t(options.limit_image_bytes), l.side = options.limit_image_side;
    l.pixels = options.limit_image_pixels, l.memory_at_once = std::uint64_t(options.limit_decode_bytes);
    l.jpeg_scans = int(options.limit_jpeg_scans), l.png_chunks = int(options.limit_png_chunks);
    l.seconds = options.limit_image_seconds;
    return l;
  }
  Index floats_per_image() const { return 3 * model.vision_sizes.image * model.vision_sizes.image; }
  data::LoaderSettings loader(Index held) const {
    data::LoaderSettings s;
    s.workers = workers(), s.held = held, s.timeout_s = options.loader_timeout_s;
    s.image_seconds = options.limit_image_seconds;
    s.on_bad_sample = bad_sample_rules().policy;
    return s;
  }
};

}  // namespace vlt::program
