#pragma once
#include <charconv>
#include <vlt/image/decode.hpp>
#include <vlt/options/option_pages.hpp>
#include <vlt/program/sft_job.hpp>
#include <vlt/train/agreed_facts.hpp>

namespace vlt::program {
namespace facts {

inline std::string hash_and_size(const std::string& path, Blame blame) {
  const File file = open_file(path, blame);
  return file_hash(file) + ", " + std::to_string(file.size()) + " bytes";
}

// The files of a model's folder that decide what it is.
inline void add_model(std::vector<RunFact>& all, const std::string& part, const std::string& path) {
  static const std::set<std::string> known{
      "config.json",           "adapter_config.json",     "vltune.json",       "tokenizer.json",
      "tokenizer_config.json", "tokenizer.model",         "added_tokens.json", "special_tokens_map.json",
      "processor_config.json", "preprocessor_config.json"};
  if (path.empty()) return;
  for (const std::string& name : Folder(path).names())
    if (known.contains(name) || name.ends_with(".safetensors"))
      all.push_back({"model", part + "/" + name, hash_and_size(path + "/" + name, blame_model)});
}

// Hashes of a job's data and models. Large files are read whole for them.
inline std::vector<RunFact> files(const SftJob& job) {
  std::vector<RunFact> all;
  for (std::size_t i = 0; i < job.settings.data.data_path.size(); ++i)
    all.push_back({"data", "file " + std::to_string(i + 1), hash_and_size(job.settings.data.data_path[i], blame_data)});
  const ModelFolders& f = job.model.folders;
  add_model(all, "language", f.language);
  if (f.vision != f.language) add_model(all, "vision", f.vision);
  if (f.projector != f.language) add_model(all, "projector", f.projector);
  add_model(all, "language_adapter", f.language_adapter);
  add_model(all, "vision_adapter", f.vision_adapter);
  return all;
}

inline constexpr const char* first_ranks = "ranks at the beginning";

}  // namespace facts

// How many ranks the run began with that wrote a checkpoint: its micro-batches are those of as many.
inline int ranks_at_the_beginning(const RunCheckpoint& c) {
  const auto& all = c.manifest().facts;
  const auto at = std::find_if(all.begin(), all.end(), [](const RunFact& f) { return f.name == facts::first_ranks; });
  if (at == all.end()) return int(c.manifest().ranks);
  int ranks = 0;
  const std::string& text = at->value;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), ranks);
  if (problem != std::errc() || end != text.data() + text.size() || ranks < 1)
    manifest::contradiction(c.path(), "a run that began with " + quoted(text) + " ranks");
  return ranks;
}

// Everything that a job's numbers may depend on: options as resolved, hashes of data and models, the program.
// Collective: one rank of each machine reads the files.
inline std::vector<RunFact> run_facts(const SftJob& job) {
  std::vector<RunFact> all;
  for (const auto& row : job.table.rows)
    if (row.group != sft_rows::jobs_group && row.name != "from_checkpoint")
      all.push_back({"option", row.name, option_value(job.options, row), !row.may_differ});
  const bool first_here = job.seats.at(std::size_t(job.world.rank())).local_rank == 0;
  for (RunFact& f : agreed_facts(job.world, first_here, [&] { return facts::files(job); })) all.push_back(std::move(f));
  const std::string chat_template = boost::json::serialize(data::template_object(job.model.chat_template));
  all.push_back({"model", "template", StreamHash().add(chat_template).text()});
  // Another number of ranks has the same steps, since micro-batches stay what they were; its sums round differently.
  const int ranks = job.world.size(), began_with = job.settings.training.began_with;
  const bool same_ranks = !job.start.checkpoint || job.start.checkpoint->manifest().ranks == ranks;
  all.push_back({"program", "ranks", std::to_string(ranks), false});
  all.push_back({"program", facts::first_ranks, std::to_string(began_with > 0 ? began_with : ranks)});
  // Stages of ZeRO may differ as long as gradients are summed alike: in another order they round differently.
  const bool often = job.settings.zero.reduce == dist::Reduce::every_micro_batch;
  all.push_back({"program", "sums of gradients",
                 often && job.settings.training.accumulation > 1 ? "every micro-batch" : "every step", same_ranks});
  all.push_back({"program", "version", job.compiled.version, false});
  all.push_back({"program", "instruction set", instruction_set(), false});
  all.push_back({"program", "compiler", __VERSION__, false});
  all.push_back({"program", "image decoders", image::ImageDecoder::id(), false});
  return all;
}

// Says what has changed since the checkpoint that a job goes on from was written. CKPT-RUN-005 if the rest of the run
// would not be that of the run that wrote it.
inline void compare_with_checkpoint(SftJob& job) {
  const RunCheckpoint& c = job.start.checkpoint.value();
  const std::vector<FactChange> all = changes(c.manifest().facts, job.facts);
  job.say("going on after step " + std::to_string(c.step()) + ", from " + c.path() + "\n" +
          (all.empty() ? "nothing has changed since\n" : changes_table(all)));
  if (const Index before = c.manifest().ranks; before != job.world.size())
    job.messages.notice(
        std::to_string(job.world.size()) + " ranks go on with what " + std::to_string(before) +
        " began: every step has the records that it would have had, and sums over ranks round differently");
  const auto bends = std::find_if(all.begin(), all.end(), [](const FactChange& f) { return f.fixed; });
  if (bends == all.end()) return;
  throw Error(ExitCode::checkpoint,
              Complaint("CKPT-RUN-005", "a run cannot go on as another: something it depends on has changed")
                  .at(bends->kind == "option" ? "--" + bends->name : bends->kind + ": " + bends->name)
                  .expected(bends->before + ", as when the checkpoint was written")
                  .found(bends->now)
                  .help("give what the run began with, or begin another from an exported model: --from_checkpoint "
                        "epoch-K and a new --output_dir"));
}

// Saves a job's training whenever it is called on all ranks, and removes the checkpoints that are not to be kept.
template <IsPolicy P> class CheckpointSaver {
 public:
  CheckpointSaver(const SftJob& job, store_t<P>& store, const RunState& state)
      : job_(job), store_(store), state_(state), all_(start::checkpoints_in(job.options.output_dir)) {}

  void operator()() {
    CheckpointManifest about;
    about.model_folder = job_.start.model_folder, about.facts = job_.facts;
    try {
      save_checkpoint(all_.path_of(state_.step), store_, state_, std::move(about), job_.world);
    } catch (const Error& e) { throw Error(e.exit(), Complaint(e.complaint()).note(what_is_left())); }
    if (!job_.speaks()) return;
    if (const Index beyond = all_.prune(state_.step, job_.settings.keep); beyond > 0)
      job_.messages.notice("removed the checkpoints of later steps (" + std::to_string(beyond) +
                           "): they belong to a continuation that was given up");
  }
  std::string path() const { return all_.path_of(state_.step); }

 private:
  const SftJob& job_;
  store_t<P>& store_;
  const RunState& state_;
  CheckpointFolder all_;

  std::string what_is_left() const {
    const std::vector<Index> steps = all_.steps();
    return steps.empty() ? "there is no checkpoint yet"
                         : "the newest checkpoint is of step " + std::to_string(steps.back()) +
                               "; run the same command with --from_checkpoint auto to go on from there";
  }
};

}  // namespace vlt::program
