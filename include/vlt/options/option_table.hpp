#pragma once
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include <vlt/base/config.hpp>
#include <vlt/base/error.hpp>
#include <vlt/base/nearest.hpp>
#include <vlt/base/quoted.hpp>

namespace vlt {

using Words = std::vector<std::string>;

// Where an option keeps its value: a member of the program's options `O`.
template <class O>
using OptionField = std::variant<bool O::*, Index O::*, double O::*, std::optional<double> O::*, std::string O::*,
                                 Words O::*, std::optional<std::string> O::*>;

// One option: its name, where its value goes, what it may be and what it means. Defaults are those of a fresh `O`.
template <class O> struct OptionRow {
  std::string name, group;
  OptionField<O> field;
  std::string meaning;
  double lowest = -std::numeric_limits<double>::infinity(), highest = std::numeric_limits<double>::infinity();
  bool above_lowest = false;   // `lowest` itself is not allowed
  Words choices;               // of a word or a list of words; empty: any
  std::string empty = "none";  // how the pages write an absent value
  bool may_differ = false;     // numbers do not depend on it: a run that is taken up again may have another value

  OptionRow& from(double low) { return lowest = low, *this; }
  OptionRow& above(double low) { return lowest = low, above_lowest = true, *this; }
  OptionRow& to(double high) { return highest = high, *this; }
  OptionRow& one_of(Words words) { return choices = std::move(words), *this; }
  OptionRow& reads(std::string word) { return empty = std::move(word), *this; }
  OptionRow& differs_freely() { return may_differ = true, *this; }

  bool is_flag() const { return std::holds_alternative<bool O::*>(field); }
  bool is_list() const { return std::holds_alternative<Words O::*>(field); }
  bool may_stand_alone() const { return is_flag() || std::holds_alternative<std::optional<std::string> O::*>(field); }
  const char* type() const {
    static constexpr const char* names[] = {"flag", "integer", "number", "number", "text", "list", "word or none"};
    return names[field.index()];
  }
};

// Every option of a program. The parser, the configuration file, the pages and the receipt all read this list.
template <class O> struct OptionTable {
  std::vector<OptionRow<O>> rows;
  std::vector<std::pair<std::string, std::string>> elsewhere;  // a name in other trainers, what to say here
  std::string group;                                           // of the rows that follow
  bool may_differ = false;                                     // all of them

  template <class T> OptionRow<O>& add(std::string name, T O::*field, std::string meaning) {
    auto& row = rows.emplace_back();
    row.name = std::move(name), row.group = group, row.may_differ = may_differ, row.field = field,
    row.meaning = std::move(meaning);
    return row;
  }
  const OptionRow<O>* find(std::string_view name) const {
    for (const auto& r : rows)
      if (r.name == name) return &r;
    return nullptr;
  }
  Words names() const {
    Words all;
    for (const auto& r : rows) all.push_back(r.name);
    return all;
  }
};

inline Complaint missing_option(const std::string& option) {
  return Complaint("OPT-REQUIRED-007", "this option is required")
      .at(option)
      .expected("`" + option + " value`")
      .found("none");
}
[[noreturn]] inline void refuse_option(Complaint c) { throw Error(ExitCode::usage, std::move(c)); }

// Shortest text that reads back as the same number.
inline std::string number_text(double x) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, x).ptr};
}

namespace option_text {

inline std::string joined(const Words& words, const char* between = " ") {
  std::string all;
  for (const auto& w : words) all += (all.empty() ? "" : between) + w;
  return all;
}
template <class O> std::string allowed(const OptionRow<O>& r) {
  if (!r.choices.empty()) return joined(r.choices, ", ");
  if (std::holds_alternative<std::string O::*>(r.field) || r.is_list()) return "a text";
  std::string text = std::holds_alternative<Index O::*>(r.field) ? "an integer" : "a number";
  if (std::isfinite(r.lowest)) text += (r.above_lowest ? " above " : " of at least ") + number_text(r.lowest);
  if (std::isfinite(r.highest))
    text += (std::isfinite(r.lowest) ? " and at most " : " of at most ") + number_text(r.highest);
  return text;
}
template <class O> void check_choice(const OptionRow<O>& r, const std::string& word, const std::string& place) {
  if (r.choices.empty()) return;
  for (const auto& c : r.choices)
    if (c == word) return;
  const std::string near = nearest_name(word, r.choices);
  refuse_option(Complaint("OPT-CHOICE-005", "`" + r.name + "` has no such choice")
                    .at(place)
                    .expected(allowed(r))
                    .found(quoted(word))
                    .help(near.empty() ? "use one of these" : "did you mean `" + near + "`?"));
}
template <class T, class O> T number(const OptionRow<O>& r, const std::string& word, const std::string& place) {
  T value{};
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool ok = problem == std::errc{} && end == word.data() + word.size() && std::isfinite(double(value)) &&
                  (r.above_lowest ? double(value) > r.lowest : double(value) >= r.lowest) && double(value) <= r.highest;
  if (!ok)
    refuse_option(Complaint("OPT-VALUE-004", "`" + r.name + "` has a value it cannot take")
                      .at(place)
                      .expected(allowed(r))
                      .found(quoted(word))
                      .help("give " + allowed(r)));
  return value;
}

}  // namespace option_text

// Writes words into an option. `place` says where they came from.
template <class O> void set_option(O& o, const OptionRow<O>& r, const Words& words, const std::string& place) {
  std::visit(
      [&](auto field) {
        auto& value = o.*field;
        using T = std::remove_reference_t<decltype(value)>;
        if constexpr (std::is_same_v<T, bool>) value = true;
        else if constexpr (std::is_same_v<T, Words>) {
          for (const auto& w : words) option_text::check_choice(r, w, place);
          value = words;
        } else if constexpr (std::is_same_v<T, std::optional<std::string>>) {
          value = words.empty() ? std::string() : words.front();
        } else if constexpr (std::is_same_v<T, std::string>) {
          option_text::check_choice(r, words.front(), place);
          value = words.front();
        } else if constexpr (std::is_same_v<T, Index>) value = option_text::number<Index>(r, words.front(), place);
        else value = option_text::number<double>(r, words.front(), place);
      },
      r.field);
}

// The value as a user would type it; empty if there is none.
template <class O> std::string option_value(const O& o, const OptionRow<O>& r) {
  return std::visit(
      [&](auto field) -> std::string {
        const auto& value = o.*field;
        using T = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<T, bool>) return value ? "on" : "off";
        else if constexpr (std::is_same_v<T, Words>) return option_text::joined(value);
        else if constexpr (std::is_same_v<T, std::string>) return value;
        else if constexpr (std::is_same_v<T, Index>) return std::to_string(value);
        else if constexpr (std::is_same_v<T, double>) return number_text(value);
        else if constexpr (std::is_same_v<T, std::optional<std::string>>) return value.value_or("");
        else return value ? number_text(*value) : "";
      },
      r.field);
}

}  // namespace vlt
