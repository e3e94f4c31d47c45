// What a checkpoint says of itself.
#include <fuzz/targets.hpp>
#include <vlt/train/checkpoint_manifest.hpp>
#include <vlt/train/run_state.hpp>

namespace vlt::fuzz {

// A manifest, sealed anew after the damage: its parts lie in its files, its files in its folder, and it is written as
// it was read.
void checkpoint_manifest(std::string_view bytes) {
  const std::string before(bytes.substr(0, bytes.rfind(", \"hash\"")));
  may_refuse({ExitCode::checkpoint}, [&] {
    const CheckpointManifest m = parse_manifest(before + manifest::seal(before), "m");
    for (const CheckpointFile& f : m.files)
      promise(!f.name.empty() && f.name.find('/') == f.name.npos && f.name != "..", "a file lies in its folder");
    for (const SavedSection& s : m.sections)
      for (const SectionPart& p : s.parts) {
        const std::uint64_t size = std::uint64_t(p.range.size()) * manifest::width(s.type);
        promise(p.offset + size >= p.offset && p.offset + size <= m.files.at(p.file).bytes, "a part lies in its file");
      }
    promise(parse_manifest(manifest_text(m), "m") == m, "a manifest is written as it was read");
  });
}

// The state of a run is written as it was read, however often.
void run_state(std::string_view bytes) {
  may_refuse({ExitCode::checkpoint}, [&] {
    const RunState s = parse_run_state(bytes, "s");
    promise(s.updates >= 0 && s.updates <= s.step, "updates are steps");
    const std::string written = to_json(s);
    promise(to_json(parse_run_state(written, "s")) == written, "a state is written as it was read");
  });
}

}  // namespace vlt::fuzz
