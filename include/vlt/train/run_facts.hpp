#pragma once
#include <algorithm>
#include <string>
#include <vector>
#include <vlt/io/json_line.hpp>

namespace vlt {

// Something that a run's numbers may depend on: an option, the hash of a file, the compiler.
struct RunFact {
  std::string kind, name, value;  // "option", "seed", "1234"
  bool fixed = true;              // with another value it would be another run; else numbers at most round differently
  bool operator==(const RunFact&) const = default;
};

// A fact that is not what it was when a checkpoint was written.
struct FactChange {
  std::string kind, name, before, now;  // a fact that there was not, or is no more, is "-"
  bool fixed = true;
  bool operator==(const FactChange&) const = default;
};

// What differs, in the order of `before`; then what `before` lacks.
inline std::vector<FactChange> changes(const std::vector<RunFact>& before, const std::vector<RunFact>& now) {
  const auto find = [](const std::vector<RunFact>& in, const RunFact& fact) -> const RunFact* {
    const auto at = std::find_if(in.begin(), in.end(),
                                 [&](const RunFact& f) { return f.kind == fact.kind && f.name == fact.name; });
    return at == in.end() ? nullptr : &*at;
  };
  const auto value = [](const RunFact* f) {
    return f ? utf8::repaired(f->value) : std::string("-");
  };  // as JSON has it
  std::vector<FactChange> all;
  for (const RunFact& b : before) {
    const RunFact* n = find(now, b);
    if (value(&b) != value(n)) all.push_back({b.kind, b.name, value(&b), value(n), n ? n->fixed : b.fixed});
  }
  for (const RunFact& n : now)
    if (!find(before, n)) all.push_back({n.kind, n.name, "-", value(&n), n.fixed});
  return all;
}

// A table for people: one line for each, columns as wide as they must be.
inline std::string changes_table(const std::vector<FactChange>& changes) {
  std::vector<std::vector<std::string>> rows{{"changed", "name", "before", "now"}};
  for (const FactChange& c : changes) rows.push_back({c.kind, c.name, c.before, c.now});
  std::vector<std::size_t> widths(rows[0].size(), 0);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace vlt
