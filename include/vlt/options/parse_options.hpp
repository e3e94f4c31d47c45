#pragma once
#include <map>
#include <set>
#include <vlt/base/utf8.hpp>
#include <vlt/io/json.hpp>
#include <vlt/options/option_table.hpp>

namespace vlt {

// Options as they were given: which ones, where, and the values read so far.
template <class O> class OptionReader {
 public:
  OptionReader(const OptionTable<O>& table, O& options) : table_(table), options_(options) {}

  // `--name value`, `--name=value`, `--flag`, lists separated by blanks. Each option once.
  void command_line(const Words& args) {
    for (const std::string& word : args) require_readable(word);
    for (std::size_t i = 0; i < args.size();) {
      const std::string& word = args[i];
      if (word.size() < 3 || !word.starts_with("--"))
        refuse_option(Complaint("OPT-WORD-011", "a word that belongs to no option")
                          .at("command line")
                          .expected("`--name value`")
                          .found(quoted(word))
                          .help("put quotes around a value with blanks; --help lists all options"));
      const std::size_t equals = word.find('=');
      const std::string place = word.substr(0, equals), name = place.substr(2);
      const OptionRow<O>& row = known(name, place);
      Words values;
      if (equals != word.npos) values.push_back(word.substr(equals + 1));
      for (++i; i < args.size() && !args[i].starts_with("--") && equals == word.npos; ++i) values.push_back(args[i]);
      take(row, values, place);
    }
  }

  // The same names in a JSON object, or in the receipt of an earlier run: there, what differs from the defaults. What
  // the command line already gave stays.
  void config_file(std::string_view text, const std::string& file) {
    const boost::json::value root = parse_json(text, file, blame_option);
    if (!root.is_object())
      refuse_option(Complaint("OPT-CONFIG-010", "a configuration file holds one JSON object")
                        .at(file)
                        .expected("{\"name\": value, ...}")
                        .found(root.is_array() ? "a list" : "a single value"));
    const auto given = std::exchange(given_, {});
    if (const auto* options = receipt(root.as_object())) {
      for (const auto& [key, value] : *options) {
        const bool says_nothing = key == "config" || (value.is_array() && value.as_array().empty());
        if (!says_nothing) one(key, value, file + ": $.options.", given);
      }
      const O fresh{};
      for (const auto& row : table_.rows)
        if (option_value(options_, row) == option_value(fresh, row)) given_.erase(row.name);
    } else {
      for (const auto& [key, value] : root.as_object()) one(key, value, file + ": $.", given);
    }
    given_.insert(given.begin(), given.end());
  }

  // Names of the options that were given.
  std::set<std::string> given() const {
    std::set<std::string> names;
    for (const auto& [name, place] : given_) names.insert(name);
    return names;
  }

 private:
  using Given = std::map<std::string, std::string>;  // name, where
  const OptionTable<O>& table_;
  O& options_;
  Given given_;

  const OptionRow<O>& known(const std::string& name, const std::string& place) const {
    if (const auto* row = table_.find(name)) return *row;
    for (const auto& [there, here] : table_.elsewhere)
      if (name == there)
        refuse_option(Complaint("OPT-NAME-001", "there is no such option: other trainers call it so")
                          .at(place)
                          .expected(here)
                          .found(quoted(name))
                          .help("give " + here));
    const std::string near = nearest_name(name, table_.names());
    refuse_option(Complaint("OPT-NAME-001", "there is no such option")
                      .at(place)
                      .expected("the name of an option")
                      .found(quoted(name))
                      .help(near.empty() ? "--help lists all options" : "did you mean `--" + near + "`?"));
  }
  // The options that a receipt holds; null if this is none.
  static const boost::json::object* receipt(const boost::json::object& file) {
    const auto* options = file.if_contains("options");
    return options && file.contains("program") ? options->if_object() : nullptr;
  }
  // One member of a configuration file. before: what was given by then.
  void one(std::string_view key, const boost::json::value& value, const std::string& object, const Given& before) {
    const std::string name(key), place = object + name;
    const OptionRow<O>& row = known(name, place);
    if (name == "config")
      refuse_option(Complaint("OPT-CONFIG-010", "a configuration file cannot name another one")
                        .at(place)
                        .expected("no key `config`")
                        .found("it is there")
                        .help("put all options into one file"));
    if (value.is_null() || before.contains(name)) return;
    if (row.is_flag()) {
      if (!value.is_bool()) refuse_value(place, "`" + name + "` is a flag", "true or false", value);
      if (value.as_bool()) take(row, {}, place);
    } else if (value.is_array() && !row.is_list()) {
      refuse_value(place, "this option takes one value", option_text::allowed(row), value);
    } else {
      take(row, words(value, place), place);
    }
  }
  void take(const OptionRow<O>& row, const Words& values, const std::string& place) {
    if (!given_.emplace(row.name, place).second)
      refuse_option(Complaint("OPT-TWICE-002", "this option was given twice")
                        .at(place)
                        .expected("each option once")
                        .found(quoted(option_text::joined(values))));
    if (row.is_flag() && !values.empty())
      refuse_option(Complaint("OPT-FLAG-006", "a flag takes no value")
                        .at(place)
                        .expected("`--" + row.name + "` alone")
                        .found(quoted(values.front())));
    if (!row.may_stand_alone() && values.empty())
      refuse_option(Complaint("OPT-VALUE-003", "this option needs a value")
                        .at(place)
                        .expected(option_text::allowed(row))
                        .found("none"));
    if (!row.is_list() && values.size() > 1)
      refuse_option(Complaint("OPT-VALUE-003", "this option takes one value")
                        .at(place)
                        .expected("one value")
                        .found(std::to_string(values.size()) + ": " + quoted(option_text::joined(values)))
                        .help("put quotes around a value with blanks"));
    set_option(options_, row, values, place);
  }
  // What is written down must be readable: receipts and model folders repeat options in JSON, which is UTF-8.
  static void require_readable(const std::string& word) {
    if (const auto at = utf8::invalid_byte(word))
      refuse_option(Complaint("OPT-TEXT-022", "a word of the command line is not UTF-8")
                        .at("command line")
                        .expected("text in UTF-8")
                        .found(quoted(word) + ", wrong at byte " + std::to_string(*at))
                        .help("name files by a link or folder whose name is UTF-8"));
  }
  [[noreturn]] static void refuse_value(const std::string& place, const std::string& what, const std::string& expected,
                                        const boost::json::value& value) {
    refuse_option(
        Complaint("OPT-CONFIG-010", what).at(place).expected(expected).found(quoted(boost::json::serialize(value))));
  }
  static Words words(const boost::json::value& value, const std::string& place) {
    const auto word = [&](const boost::json::value& v) {
      if (const auto* s = v.if_string(); s && s->find('\0') == s->npos) return std::string(*s);
      if (const auto* i = v.if_int64()) return std::to_string(*i);
      if (const auto* d = v.if_double()) return number_text(*d);
      refuse_value(place, "a value must be a text without NUL, or a number", "a text or a number", v);
    };
    Words all;
    if (const auto* list = value.if_array())
      for (const auto& v : *list) all.push_back(word(v));
    else all.push_back(word(value));
    return all;
  }
};

}  // namespace vlt
