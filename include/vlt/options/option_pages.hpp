#pragma once
#include <algorithm>
#include <boost/json.hpp>
#include <sstream>
#include <vlt/base/ascii.hpp>
#include <vlt/options/option_table.hpp>

namespace vlt {

namespace option_text {

template <class O> std::string fallback(const OptionRow<O>& r) {
  const std::string value = option_value(O{}, r);
  return value.empty() ? r.empty : value;
}
template <class O> std::string range(const OptionRow<O>& r) {
  const bool word = std::holds_alternative<std::string O::*>(r.field) || r.is_list();
  if (r.may_stand_alone() || (word && r.choices.empty())) return "";
  return allowed(r);
}
inline std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string out, line, word;
  std::istringstream in(text);
  while (in >> word) {
    if (!line.empty() && indent + line.size() + 1 + word.size() > width)
      out += line + "\n" + std::string(indent, ' '), line.clear();
    line += (line.empty() ? "" : " ") + word;
  }
  return out + line;
}

}  // namespace option_text

// What a program says of itself above its options.
struct ProgramPage {
  std::string name, purpose;
  Words example;  // lines of a command, without the program
};

namespace option_text {

// One paragraph.
template <class O> std::string paragraph(const OptionRow<O>& r) {
  std::string page = "  --" + r.name;
  if (!r.is_flag()) page += r.may_stand_alone() ? " [word]" : " <" + std::string(r.type()) + ">  [" + fallback(r) + "]";
  std::string text = r.meaning;
  if (const std::string allowed = range(r); !allowed.empty()) text += " (" + allowed + ")";
  return page + "\n      " + wrapped(text, 6, 100) + "\n";
}
// The paragraphs of those rows that `wanted` chooses, group by group.
template <class O, class Wanted> std::string paragraphs(const OptionTable<O>& table, Wanted wanted) {
  std::string page, group;
  for (const auto& r : table.rows) {
    if (!wanted(r)) continue;
    if (r.group != group) page += "\n" + (group = r.group) + "\n";
    page += paragraph(r);
  }
  return page;
}
// The names of all options, group by group.
template <class O> std::string names_by_group(const OptionTable<O>& table) {
  constexpr std::size_t indent = 22, width = 110;
  std::string page;
  for (std::size_t i = 0; i < table.rows.size();) {
    const std::string group = table.rows[i].group;
    std::string names;
    for (; i < table.rows.size() && table.rows[i].group == group; ++i) names += " " + table.rows[i].name;
    const std::size_t gap = indent - std::min(indent - 1, group.size() + 2);
    page += "  " + group + std::string(gap, ' ') + wrapped(names, indent, width) + "\n";
  }
  return page;
}
inline std::string usage(const ProgramPage& p) {
  std::string page = p.name + ": " + p.purpose + "\n\nUsage: " + p.name + " --name value ... --flag ...\n";
  for (const std::string& line : p.example)
    page += (&line == &p.example.front() ? "\n    " + p.name + " " : " \\\n      ") + line;
  return page + (p.example.empty() ? "" : "\n");
}

}  // namespace option_text

// What --help prints. Topic: nothing (how the program is called, and the names of its options), `all`, the beginning of
// a group's name, or an option.
template <class O>
std::string help_page(const OptionTable<O>& table, const ProgramPage& program, const std::string& topic) {
  using namespace option_text;
  constexpr std::size_t few = 12;  // options that a screen has room to explain
  const auto all = [](const auto&) { return true; };
  if (topic == "all" || (topic.empty() && table.rows.size() <= few)) return usage(program) + paragraphs(table, all);
  if (topic.empty())
    return usage(program) + "\n" + names_by_group(table) +
           "\n--help NAME explains an option or a group of them (`--help " + ascii_lower(table.rows.front().group) +
           "`), --help all explains all.\n";
  const std::string name = topic.starts_with("--") ? topic.substr(2) : topic;
  std::string page = paragraphs(table, [&](const auto& r) { return r.name == name; });
  if (page.empty())
    page = paragraphs(table, [&](const auto& r) { return ascii_lower(r.group).starts_with(ascii_lower(name)); });
  if (!page.empty()) return page.substr(1);
  Words known = table.names();
  for (const auto& r : table.rows) known.push_back(ascii_lower(r.group));
  const std::string near = nearest_name(ascii_lower(name), known);
  refuse_option(Complaint("OPT-NAME-001", "there is no such option, nor a group of options")
                    .at("--help")
                    .expected("the name of an option or of a group, or `all`")
                    .found(quoted(topic))
                    .help(near.empty() ? "--help lists all" : "did you mean `--help " + near + "`?"));
}

// docs/options.md, from the same list.
template <class O> std::string markdown_page(const OptionTable<O>& table, const std::string& program) {
  std::string page = "# Options of " + program + "\n\nPrinted by `" + program +
                     " --print_options_md`.\n\nFlags take no value; every other option is `--name value` or "
                     "`--name=value`; lists are separated by blanks.\n`--config FILE` reads the same names from a JSON "
                     "object, or from the `receipt.json` of an earlier run; the command line wins. Every mistake ends "
                     "with exit code 2.\n";
  std::string group;
  const auto cell = [](std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.replace(at, 1, "\\|");
    return text;
  };
  for (const auto& r : table.rows) {
    if (r.group != group)
      page +=
          "\n## " + (group = r.group) + "\n\n| option | type | default | allowed | meaning |\n|---|---|---|---|---|\n";
    page += "| `" + r.name + "` | " + r.type() + " | " + cell(option_text::fallback(r)) + " | " +
            cell(option_text::range(r)) + " | " + cell(r.meaning) + " |\n";
  }
  return page;
}

// The options as resolved, for the receipt.
template <class O> boost::json::object options_json(const OptionTable<O>& table, const O& o) {
  boost::json::object all;
  for (const auto& r : table.rows)
    std::visit(
        [&](auto field) {
          const auto& value = o.*field;
          using T = std::remove_cvref_t<decltype(value)>;
          if constexpr (std::is_same_v<T, Words>) all[r.name] = boost::json::array(value.begin(), value.end());
          else if constexpr (std::is_same_v<T, std::optional<double>> || std::is_same_v<T, std::optional<std::string>>)
            all[r.name] = value ? boost::json::value(*value) : boost::json::value(nullptr);
          else all[r.name] = value;
        },
        r.field);
  return all;
}

}  // namespace vlt
