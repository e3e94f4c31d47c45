#pragma once
#include <map>
#include <optional>
#include <vlt/dist/gather_texts.hpp>
#include <vlt/io/draft_folder.hpp>
#include <vlt/optim/parameter_store.hpp>
#include <vlt/train/checkpoint_manifest.hpp>
#include <vlt/train/run_state.hpp>

namespace vlt {

inline constexpr const char* run_state_file = "run_state.json";

// The name of a section's parameter in a checkpoint: names of different components may be alike.
template <class Registry> std::string section_parameter(const Registry& registry, int param) {
  const auto& p = registry.params[std::size_t(param)];
  return std::string(name(p.component)) + " " + p.name();
}
template <class T, Device D> std::string section_values(const Section<T, D>& s) {
  return s.kind == SectionKind::master ? "master" : std::string(s.slot);
}
// What a checkpoint keeps: masters and what the optimiser remembers. Other weights come from the folders they came
// from.
inline bool is_kept(SectionKind kind) { return kind == SectionKind::master || kind == SectionKind::state; }

template <class T>
inline constexpr const char* stored_name = std::is_same_v<T, bf16>     ? "bf16"
                                           : std::is_same_v<T, double> ? "f64"
                                                                       : "f32";

// Bytes of the sections that a checkpoint of this layout has from this rank, without the gaps between them.
template <Precision F, Device D> std::size_t checkpoint_bytes(const StoreLayout<F, D>& layout) {
  const StoreBytes b = layout.bytes();
  return b.master + b.state;
}

// The file of a checkpoint that one rank writes: its sections, one behind the other.
class RankFile {
 public:
  // expected_bytes: about as many as will be written.
  RankFile(const std::string& folder, int rank, std::uint64_t expected_bytes)
      : file_(folder + "/" + name_of(rank), expected_bytes) {
    manifest_.files.push_back({name_of(rank), 0, {}});
  }

  template <class T, Device D> void add(const std::string& parameter, const Section<T, D>& s) {
    static_assert(host_code<D>::ok);
    if (s.range.size() == 0) return;
    pad();
    manifest_.sections.push_back(
        {parameter, section_values(s), stored_name<T>, s.whole, {{0, manifest_.files[0].bytes, s.range}}});
    write(
        {reinterpret_cast<const char*>(static_cast<const T*>(s.values.data)), std::size_t(s.range.size()) * sizeof(T)});
  }
  // What it holds. The file is then durable.
  CheckpointManifest commit() {
    manifest_.files[0].hash = hash_.text();
    file_.commit();
    return std::move(manifest_);
  }

 private:
  static constexpr std::uint64_t alignment = 64;
  FileWriter file_;
  StreamHash hash_;
  CheckpointManifest manifest_;

  static std::string name_of(int rank) {
    const std::string digits = std::to_string(rank);
    return "rank-" + std::string(3 - std::min<std::size_t>(3, digits.size()), '0') + digits + ".bin";
  }
  void pad() {
    static constexpr char zeros[alignment] = {};
    write({zeros, std::size_t(-manifest_.files[0].bytes % alignment)});
  }
  void write(std::string_view bytes) {
    file_.write(bytes);
    hash_.add(bytes);
    manifest_.files[0].bytes += bytes.size();
  }
};

// One manifest of those of all ranks: their files, and the parts of each section side by side.
inline void join(CheckpointManifest& all, std::vector<CheckpointManifest> of_ranks) {
  std::map<std::string, std::size_t> places;
  for (CheckpointManifest& one : of_ranks) {
    const std::size_t files = all.files.size();
    all.files.insert(all.files.end(), one.files.begin(), one.files.end());
    for (SavedSection& s : one.sections) {
      for (SectionPart& p : s.parts) p.file += files;
      const auto [at, first] = places.emplace(s.name(), all.sections.size());
      if (first) all.sections.push_back(std::move(s));
      else all.sections[at->second].parts.insert(all.sections[at->second].parts.end(), s.parts.begin(), s.parts.end());
    }
  }
}

// Writes a checkpoint: a folder that appears whole or not at all. `about` says what the store and the state do not: the
// run's facts and model folder. What several ranks hold alike one of them writes. Collective.
template <Precision F, Device D>
void save_checkpoint(const std::string& folder, ParameterStore<F, D>& store, const RunState& state,
                     CheckpointManifest about, dist::World& world) {
  world.does(dist::RankPhase::saving);
  std::optional<DraftFolder> draft;
  if (world.rank() == 0) draft.emplace(folder);
  const std::string path = dist::gather_texts(world, draft ? draft->path() : "").front();
  RankFile mine(path, world.rank(), checkpoint_bytes(store.layout()));
  Index number = 0;
  store.sections([&](const auto& s) {
    if (!is_kept(s.kind)) return;
    const bool everywhere = !store.placement().share_optimizer || store.layout().units()[s.unit].exact;
    if (number++ % world.size() == world.rank() || !everywhere)
      mine.add(section_parameter(store.registry(), s.param), s);
  });
  std::vector<CheckpointManifest> of_ranks;
  for (const std::string& one : dist::gather_texts(world, manifest_text(mine.commit())))
    of_ranks.push_back(parse_manifest(one, "the manifest of rank " + std::to_string(of_ranks.size())));
  if (world.rank() == 0) {
    about.step = state.step, about.updates = state.updates, about.ranks = world.size();
    join(about, std::move(of_ranks));
    const std::string text = to_json(state);
    write_file(path + "/" + run_state_file, text);
    about.files.push_back({run_state_file, text.size(), StreamHash().add(text).text()});
    write_file(path + "/" + CheckpointManifest::file_name, manifest_text(about));
    draft->commit();
  }
  world.barrier();
}

}  // namespace vlt
