#pragma once
#include <vlt/dist/gather_texts.hpp>
#include <vlt/program/complain.hpp>
#include <vlt/program/options.hpp>
#include <vlt/program/output_folder.hpp>
#include <vlt/train/checkpoint_folder.hpp>

namespace vlt::program {

// What a run begins with, besides its options.
struct SftStart {
  std::string model_folder;                 // empty: the model is put together from its halves
  std::optional<RunCheckpoint> checkpoint;  // the run goes on from here
};

namespace start {

inline CheckpointFolder checkpoints_in(const std::string& output) { return CheckpointFolder(output + "/checkpoints"); }

// Is that a checkpoint, or what is left of one, rather than a model?
inline bool is_checkpoint(const std::filesystem::path& path) {
  std::error_code none;
  const std::filesystem::path name = path.has_filename() ? path.filename() : path.parent_path().filename();
  return name.native().starts_with("step-") || std::filesystem::exists(path / CheckpointManifest::file_name, none);
}
inline bool inside(const std::string& path, const std::string& folder) {
  std::error_code none;
  const auto whole = [&](const std::string& p) { return std::filesystem::weakly_canonical(p, none).native() + "/"; };
  return whole(path).starts_with(whole(folder));
}

// The newest checkpoint of the folder, and what is said about those that are not whole; one rank looks.
inline std::string newest(const std::string& output, Messages& messages) {
  const CheckpointFolder all = checkpoints_in(output);
  for (const std::string& name : all.remove_leftovers())
    messages.notice("removed " + name + ", which a run that died has left");
  const auto found = all.newest([&](const Error& e) {
    messages.warning(Complaint(e.complaint()).note("it is passed over; the next older checkpoint is tried"));
  });
  if (!found) messages.notice("there is no checkpoint in " + output + " yet: the training begins");
  return found ? found->path() : "";
}

}  // namespace start

// What the output folder may hold when the run begins.
inline OutputFolder::Before expected_output(const SftOptions& o) {
  const bool goes_on = !o.from_checkpoint.empty() &&
                       (o.from_checkpoint[0] == "auto" || (start::is_checkpoint(o.from_checkpoint[0]) &&
                                                           start::inside(o.from_checkpoint[0], o.output_dir)));
  return goes_on ? OutputFolder::Before::anything : OutputFolder::Before::empty;
}

// Finds what --from_checkpoint names. A training may go on from a checkpoint; whatever else begins with a model.
// Collective.
inline SftStart find_start(const SftOptions& o, bool training, Messages& messages, dist::World& world) {
  const Words& from = o.from_checkpoint;
  if (from.empty()) return {};
  const bool automatic = from[0] == "auto";
  if (!automatic && !start::is_checkpoint(from[0])) return {from[0], {}};
  if (!automatic && !training)
    refuse_option(Complaint("OPT-CONFLICT-009", "only a training can go on from a checkpoint")
                      .at("--from_checkpoint")
                      .help("name the folder of a model (epoch-K)"));
  SftStart s;
  if (automatic && from.size() > 1) s.model_folder = from[1];
  if (!training) return s;
  const std::string mine = world.rank() > 0 ? "" : automatic ? start::newest(o.output_dir, messages) : from[0];
  const std::string path = dist::gather_texts(world, mine).front();
  if (path.empty()) return s;
  s.checkpoint.emplace(path);
  if (!automatic) s.checkpoint->verify(), s.model_folder = s.checkpoint->manifest().model_folder;
  for (const std::string& name : s.checkpoint->strangers())
    messages.warning(Complaint("", "a file that does not belong to the checkpoint is ignored: " + path + "/" + name));
  return s;
}

}  // namespace vlt::program
