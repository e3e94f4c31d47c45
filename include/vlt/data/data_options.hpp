#pragma once
#include <charconv>
#include <vlt/data/loader.hpp>
#include <vlt/data/sample_grouping.hpp>
#include <vlt/data/split.hpp>

namespace vlt::data {

// What a user asks of the data.
struct DataOptions {
  std::vector<std::string> data_path;
  std::vector<std::string> dataset_samples{"all"};  // for each file, or one for all: `all` or a count
  std::vector<std::string> joined_records{"1"};     // the same: how many make one conversation in training, at most
  std::string image_folder;
  double train_split_ratio = 0.9;
  std::uint32_t seed = 1234;
  RecordLimits limits;
  BadSampleRules bad;
};

// How images are looked at and read.
struct Pictures {
  ImageCheck check;
  PixelReader read;
  Index floats_per_image = 0;
  FileReader file = {};
};

// The data of a run: where samples come from, and which of its records train and evaluate.
struct RunData {
  std::shared_ptr<const SampleSource> source;
  Split split;
  std::vector<Index> samples;  // what an epoch of training visits: the records of the split, some perhaps joined

  const Dataset& data() const { return source->data; }
  SampleOrder train_order(std::uint64_t seed) const { return {samples, seed, true}; }
  BatchPlan train_plan(std::uint64_t seed, const BatchRules& rules) const {
    return {train_order(seed), data().sizes, rules};
  }
  BatchPlan eval_plan(const BatchRules& rules) const { return {{split.eval, 0, false}, data().sizes, rules}; }
};

// A count for each file; none where it is `all`, if that is allowed. Exit 2 for anything but that and positive numbers.
inline std::vector<std::optional<Index>> counts_of_files(const std::string& option,
                                                         const std::vector<std::string>& words, std::size_t files,
                                                         bool all_allowed) {
  const auto refuse = [&](const std::string& what, std::string expected, std::string found) {
    throw Error(ExitCode::usage, Complaint("OPT-DATA-042", "`" + option + "` " + what)
                                     .at("--" + option)
                                     .expected(std::move(expected))
                                     .found(std::move(found)));
  };
  if (words.size() != 1 && words.size() != files)
    refuse("does not fit the data files", "one value, or one for each of " + std::to_string(files),
           std::to_string(words.size()) + " values");
  std::vector<std::optional<Index>> all;
  for (std::size_t f = 0; f < files; ++f) {
    const std::string& word = words[words.size() == 1 ? 0 : f];
    Index n = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), n);
    if (all_allowed && word == "all") all.push_back(std::nullopt);
    else if (problem == std::errc() && end == word.data() + word.size() && n > 0) all.push_back(n);
    else if (all_allowed) refuse("is neither `all` nor a count", "`all` or a positive integer", quoted(word));
    else refuse("is no count", "a positive integer", quoted(word));
  }
  return all;
}

// How many records to draw from each file; none: all.
inline std::vector<std::optional<Index>> parse_dataset_samples(const std::vector<std::string>& words,
                                                               std::size_t files) {
  return counts_of_files("dataset_samples", words, files, true);
}
// How many records of each file make one conversation.
inline JoinRules parse_joined_records(const DataOptions& options) {
  JoinRules rules;
  for (const auto n :
       counts_of_files("dataset_concatenate_samples", options.joined_records, options.data_path.size(), false))
    rules.records.push_back(*n);
  rules.images = options.limits.images;
  return rules;
}

// Audits all files, then draws, puts together, shuffles and splits what can be used, and joins records that train.
// Throws as Audit does.
// threads: for the audit. listener: hears of every bad record.
inline RunData load_data(const DataOptions& options, const SampleBuilder& builder, const Pictures& pictures,
                         Threads& threads, FaultLedger::Listener listener = {}) {
  const auto samples = parse_dataset_samples(options.dataset_samples, options.data_path.size());
  const JoinRules rules = parse_joined_records(options);
  Audit audit(options.limits, options.bad, builder, pictures.check, threads, std::move(listener));
  Dataset data = audit(options.data_path);
  for (std::size_t f = 0; f < samples.size(); ++f)
    if (samples[f] && *samples[f] > data.files[f].used)
      data.warnings.push_back(Complaint("DATA-SPLIT-042", "--dataset_samples asks for more records than there are")
                                  .at(data.files[f].path)
                                  .expected("at most " + std::to_string(data.files[f].used))
                                  .found(std::to_string(*samples[f]))
                                  .note("all records are used"));
  Split split = split_records(data.used(), samples, options.train_split_ratio, options.seed);
  std::vector<Index> visited = rules.any() ? SampleGrouping(data, builder, rules, threads)(split.train) : split.train;
  return {std::make_shared<SampleSource>(
              SampleSource{std::move(data), builder, pictures.read, pictures.floats_per_image, pictures.file}),
          std::move(split), std::move(visited)};
}

// Exit 2 if nothing is left for what a run is to do.
inline void check_split(const Split& split, bool trains) {
  if (!(trains ? split.train : split.eval).empty()) return;
  throw Error(ExitCode::usage,
              Complaint("OPT-DATA-041", trains ? "no record is left to train on" : "no record is left to evaluate")
                  .at("--data_train_split_ratio")
                  .expected(trains ? "at least 1 training record" : "at least 1 record for evaluation")
                  .found(std::to_string(split.train.size()) + " training records, " +
                         std::to_string(split.eval.size()) + " for evaluation")
                  .help(std::string(trains ? "raise" : "lower") + " --data_train_split_ratio or add records"));
}

}  // namespace vlt::data
