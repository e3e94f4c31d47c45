#pragma once
#include <set>
#include <string>
#include <vector>
#include <vlt/io/file_hash.hpp>
#include <vlt/io/json.hpp>
#include <vlt/io/json_line.hpp>
#include <vlt/optim/flat.hpp>
#include <vlt/train/run_facts.hpp>

namespace vlt {

// A file of a checkpoint as it was written.
struct CheckpointFile {
  std::string name;
  std::uint64_t bytes = 0;
  std::string hash;
  bool operator==(const CheckpointFile&) const = default;
};

// Elements `range` of a section lie in one of the files, from byte `offset` on.
struct SectionPart {
  std::size_t file = 0;
  std::uint64_t offset = 0;
  Range range;
  bool operator==(const SectionPart&) const = default;
};

// One kind of numbers of one parameter, on all ranks together.
struct SavedSection {
  std::string parameter, values;  // "language model.norm.weight"; "master", or a slot of the optimiser: "exp_avg"
  std::string type;               // "f32", "f64" or "bf16", as this machine has it in memory
  Index elements = 0;
  std::vector<SectionPart> parts;  // ascending; together all elements, each once
  bool operator==(const SavedSection&) const = default;
  std::string name() const { return parameter + " (" + values + ")"; }
};

// What a checkpoint holds and what its files must be. Whoever reads needs no more to find any range of any section, on
// however many ranks it was written and is read.
struct CheckpointManifest {
  static constexpr Index format = 1;
  static constexpr const char* file_name = "manifest.json";

  Index step = 0, updates = 0;
  Index ranks = 1;           // that wrote it
  std::string model_folder;  // the model that the run started from; empty: it was put together from its halves
  std::vector<RunFact> facts;
  std::vector<CheckpointFile> files;
  std::vector<SavedSection> sections;
  bool operator==(const CheckpointManifest&) const = default;
};

namespace manifest {

// Bytes of a number of a stored type; 0 if there is no such type.
inline std::uint64_t width(std::string_view type) {
  return type == "f32" ? 4 : type == "f64" ? 8 : type == "bf16" ? 2 : 0;
}
// What closes a manifest: the hash of everything before it, so that no byte can change unseen.
inline std::string seal(std::string_view before) {
  return ", \"hash\": \"" + StreamHash().add(before).text() + "\"}\n";
}

[[noreturn]] inline void contradiction(const std::string& name, const std::string& what) {
  throw Error(ExitCode::checkpoint, Complaint("CKPT-MANIFEST-002", "a checkpoint's manifest contradicts itself")
                                        .at(name)
                                        .expected("a manifest that says one thing")
                                        .found(what)
                                        .help("it was not written by this program; use another checkpoint"));
}

inline std::string line(const RunFact& f) {
  return JsonLine().add("kind", f.kind).add("name", f.name).add("value", f.value).add("fixed", f.fixed).text();
}
inline std::string line(const CheckpointFile& f) {
  return JsonLine().add("name", f.name).add("bytes", f.bytes).add("hash", f.hash).text();
}
inline std::string line(const SavedSection& s) {
  JsonLine l;
  l.add("parameter", s.parameter).add("values", s.values).add("type", s.type).add("elements", s.elements);
  l.raw("parts", json_list(s.parts, [](const SectionPart& p) {
          return JsonLine()
              .add("file", p.file)
              .add("offset", p.offset)
              .add("begin", p.range.begin)
              .add("end", p.range.end)
              .text();
        }));
  return l.text();
}

inline Index count(const Json& json) {
  const Index n = json.integer();
  if (n < 0) json.refuse("a manifest counts with a negative number", "0 or more");
  return n;
}
template <class T, class Read> std::vector<T> list(const Json& json, Read read) {
  std::vector<T> all;
  for (std::size_t i = 0; i < json.array().size(); ++i) all.push_back(read(json[i]));
  return all;
}
inline RunFact fact(const Json& j) {
  return {j.at("kind").string(), j.at("name").string(), j.at("value").string(), j.at("fixed").boolean()};
}
inline CheckpointFile file(const Json& j) {
  return {j.at("name").string(), std::uint64_t(count(j.at("bytes"))), j.at("hash").string()};
}
inline SectionPart part(const Json& j) {
  return {std::size_t(count(j.at("file"))),
          std::uint64_t(count(j.at("offset"))),
          {count(j.at("begin")), count(j.at("end"))}};
}
inline SavedSection section(const Json& j) {
  return {j.at("parameter").string(), j.at("values").string(), j.at("type").string(), count(j.at("elements")),
          list<SectionPart>(j.at("parts"), part)};
}

// Every part lies within its file, and parts are ascending.
inline void check(const CheckpointManifest& m, const SavedSection& s, const std::string& name) {
  const std::uint64_t each = width(s.type);
  if (each == 0) contradiction(name, "the type " + quoted(s.type) + " of " + s.name());
  Index next = 0;
  for (const SectionPart& p : s.parts) {
    const bool ascending = p.range.begin >= next && p.range.end > p.range.begin && p.range.end <= s.elements;
    const bool inside = p.file < m.files.size() && p.offset <= m.files[p.file].bytes &&
                        std::uint64_t(p.range.size()) <= (m.files[p.file].bytes - p.offset) / each;
    if (!ascending || !inside) contradiction(name, "a part of " + s.name() + " that is elsewhere");
    next = p.range.end;
  }
}

}  // namespace manifest

inline std::string manifest_text(const CheckpointManifest& m) {
  const auto lines = [](const auto& all) {
    return json_list(all, [](const auto& one) { return manifest::line(one); });
  };
  JsonLine line;
  line.add("format", CheckpointManifest::format).add("step", m.step).add("updates", m.updates).add("ranks", m.ranks);
  line.add("model_folder", m.model_folder).raw("facts", lines(m.facts)).raw("files", lines(m.files));
  line.raw("sections", lines(m.sections));
  std::string text = line.text();
  text.pop_back();  // the brace
  return text + manifest::seal(text);
}

// Refuses a manifest whose parts leave elements out, as that of one of several ranks does.
inline void require_whole(const CheckpointManifest& m, const std::string& name) {
  for (const SavedSection& s : m.sections) {
    Index found = 0;
    for (const SectionPart& p : s.parts) found += p.range.size();
    if (found != s.elements) manifest::contradiction(name, "elements of " + s.name() + " that are nowhere");
  }
}

// Reads what manifest_text() wrote; anything else is exit 5 as `name`. It may be that of one of several ranks.
inline CheckpointManifest parse_manifest(std::string_view text, const std::string& name) {
  namespace mf = manifest;
  const boost::json::value value = parse_json(text, name, blame_checkpoint, 8);
  const Json root(value, name + ": $", blame_checkpoint);
  if (const Index format = root.at("format").integer(); format != CheckpointManifest::format)
    throw Error(ExitCode::checkpoint, Complaint("CKPT-FORMAT-003", "the checkpoint is of another format")
                                          .at(name)
                                          .expected("format " + std::to_string(CheckpointManifest::format))
                                          .found("format " + std::to_string(format))
                                          .help("resume with the version of the program that wrote it"));
  const std::size_t sealed = mf::seal({}).size(), before = text.size() - std::min(sealed, text.size());
  if (text.substr(before) != mf::seal(text.substr(0, before)))
    throw Error(ExitCode::checkpoint, Complaint("CKPT-HASH-001", "a file of the checkpoint is not what was written")
                                          .at(name)
                                          .expected("an end" + mf::seal(text.substr(0, before)))
                                          .found(quoted(text.substr(before)))
                                          .help("use another checkpoint, or restore the file from a copy"));
  CheckpointManifest m;
  m.step = mf::count(root.at("step")), m.updates = mf::count(root.at("updates"));
  m.ranks = mf::count(root.at("ranks")), m.model_folder = root.at("model_folder").string();
  m.facts = mf::list<RunFact>(root.at("facts"), mf::fact);
  m.files = mf::list<CheckpointFile>(root.at("files"), mf::file);
  m.sections = mf::list<SavedSection>(root.at("sections"), mf::section);
  if (m.updates > m.step) mf::contradiction(name, "more updates than steps");
  std::set<std::string> names{"", ".", "..", CheckpointManifest::file_name};
  for (const CheckpointFile& f : m.files)
    if (f.name.find('/') != f.name.npos || !names.insert(f.name).second)
      mf::contradiction(name, "a file called " + quoted(f.name));
  std::set<std::string> sections;
  for (const SavedSection& s : m.sections) {
    if (!sections.insert(s.name()).second) mf::contradiction(name, s.name() + " twice");
    mf::check(m, s, name);
  }
  return m;
}

}  // namespace vlt
