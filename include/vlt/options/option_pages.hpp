#pragma once
#include <boost/json.hpp>
#include <sstream>
#include <vlt/options/option_table.hpp>

namespace vlt {

namespace option_text {

template <class O> std::string fallback(const OptionRow<O>& r) {
  const std::string value = option_value(O{}, r);
  return value.empty() ? r.empty : value;
}
template <class O> std::string range(const OptionRow<O>& r) {
  const bool word = std::holds_alternative<std::string O::*>(r.field) || r.is_list();
  if (r.is_flag() || (word && r.choices.empty())) return "";
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

// The page that --help prints: one paragraph for each option.
template <class O> std::string help_page(const OptionTable<O>& table) {
  std::string page, group;
  for (const auto& r : table.rows) {
    if (r.group != group) page += "\n" + (group = r.group) + "\n";
    page += "  --" + r.name + (r.is_flag() ? "" : std::string(" <") + r.type() + ">");
    if (!r.is_flag()) page += "  [" + option_text::fallback(r) + "]";
    std::string text = r.meaning;
    if (const std::string range = option_text::range(r); !range.empty()) text += " (" + range + ")";
    if (!r.later.empty()) text += " Not built yet: " + r.later + ".";
    page += "\n      " + option_text::wrapped(text, 6, 100) + "\n";
  }
  return page;
}

// docs/options.md, from the same list.
template <class O> std::string markdown_page(const OptionTable<O>& table, const std::string& program) {
  std::string page = "# Options of " + program + "\n\nPrinted by `" + program +
                     " --print_options_md`.\n\nFlags take no value; every other option is `--name value` or "
                     "`--name=value`; lists are separated by blanks.\n`--config FILE` reads the same names from a JSON "
                     "object; the command line wins. Every mistake ends with exit code 2.\n";
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
            cell(option_text::range(r)) + " | " + cell(r.meaning) +
            (r.later.empty() ? "" : " *Not built yet: " + cell(r.later) + ".*") + " |\n";
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
          else if constexpr (std::is_same_v<T, std::optional<double>>)
            all[r.name] = value ? boost::json::value(*value) : boost::json::value(nullptr);
          else all[r.name] = value;
        },
        r.field);
  return all;
}

}  // namespace vlt
