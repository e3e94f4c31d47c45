#pragma once
#include <charconv>
#include <set>
#include <vlt/optim/loss_scale.hpp>
#include <vlt/train/metrics.hpp>

namespace vlt {

// All that a run is besides its weights and what the optimiser remembers of them: what must be kept to take it up
// again. A step's number, the number of updates and the data position differ: a step without samples, or whose
// gradients were beyond what the precision holds, counts and changes nothing, and micro-batches are read whether or not
// a step comes of them.
struct RunState {
  Index step = 0;         // optimiser steps that are over: the number that people see
  Index updates = 0;      // of these, those that changed weights: the argument of schedule and optimiser
  Index overflows = 0;    // of these, those that were skipped because gradients were not finite
  Index concluded = 0;    // of these, those that an evaluation or the end of an epoch is not owed: at most one is
  Index micro_batch = 0;  // data position: micro-batches read, over all epochs (BatchPlan)
  std::set<Index> lost_records;         // those that failed only while their images were decoded
  std::optional<LossScale> loss_scale;  // where the precision needs one
  MetricsHistory history;
  std::vector<Index> taken_up_after;        // the steps after which a process went on with what another had begun
  std::vector<std::string> before_answers;  // what the model said to the report's questions before its first step

  Index skipped() const { return step - updates; }  // overflows among them
  bool operator==(const RunState&) const = default;
};

// A state as JSON. Reading it gives the same bits, but for numbers of the history that are not finite: NaN.
inline std::string to_json(const RunState& s) {
  JsonLine line;
  const auto digits = [](Index n) { return std::to_string(n); };
  line.add("step", s.step).add("updates", s.updates).add("overflows", s.overflows).add("concluded", s.concluded);
  line.add("micro_batch", s.micro_batch);
  if (s.loss_scale)
    line.add("loss_scale", JsonLine().add("power", s.loss_scale->power).add("clean", s.loss_scale->clean));
  else line.raw("loss_scale", "null");
  line.raw("lost_records", json_list(s.lost_records, digits));
  line.raw("taken_up_after", json_list(s.taken_up_after, digits));
  line.raw("before_answers", json_list(s.before_answers, json_string));
  std::string text = line.text();
  text.back() = ',';  // and the longest member, in place: a long run has a long history
  text += " \"history\": [";
  bool first = true;
  for_each_metrics_line(s.history, [&](const std::string& m) {
    if (!std::exchange(first, false)) text += ", ";
    text += m;
  });
  return text += "]}\n";
}

namespace run_state {

inline void expect(JsonScanner& json, JsonScanner::Kind kind) {
  if (json.kind() != kind) json.refuse("a run's state has a value of another kind", JsonScanner::name_of(kind));
}
inline Index count(JsonScanner& json) {
  expect(json, JsonScanner::Kind::number);
  std::string digits;
  json.number(digits);
  Index n = -1;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (problem != std::errc() || end != digits.data() + digits.size() || n < 0)
    json.refuse("a run's state counts with " + digits, "a whole number from 0 on");
  return n;
}
template <class Each> void list(JsonScanner& json, Each&& each) {
  expect(json, JsonScanner::Kind::list);
  json.list(each);
}
inline std::string text(JsonScanner& json) {
  expect(json, JsonScanner::Kind::string);
  std::string s;
  json.string(s);
  return s;
}
inline std::optional<LossScale> loss_scale(JsonScanner& json) {
  if (json.kind() == JsonScanner::Kind::null) {
    json.skip();
    return std::nullopt;
  }
  expect(json, JsonScanner::Kind::object);
  LossScale s;
  std::set<std::string> missing{"power", "clean"};
  json.object([&](const std::string& key) {
    if (missing.erase(key) == 0) json.refuse("a loss scale has the key " + quoted(key), "power and clean, each once");
    (key == "power" ? s.power : s.clean) = count(json);
  });
  if (!missing.empty() || s.power > LossScale::largest || s.clean >= LossScale::window)
    json.refuse("a loss scale that no run has", "a power of two up to 2^127, and fewer than 100 clean steps");
  return s;
}
inline void member(JsonScanner& json, const std::string& key, RunState& s) {
  if (key == "step") s.step = count(json);
  else if (key == "updates") s.updates = count(json);
  else if (key == "overflows") s.overflows = count(json);
  else if (key == "loss_scale") s.loss_scale = loss_scale(json);
  else if (key == "concluded") s.concluded = count(json);
  else if (key == "micro_batch") s.micro_batch = count(json);
  else if (key == "lost_records") list(json, [&] { s.lost_records.insert(count(json)); });
  else if (key == "taken_up_after") list(json, [&] { s.taken_up_after.push_back(count(json)); });
  else if (key == "before_answers") list(json, [&] { s.before_answers.push_back(text(json)); });
  else
    list(json, [&] {
      expect(json, JsonScanner::Kind::object);
      metrics::read_line(json, s.history);
    });
}

}  // namespace run_state

// Reads what to_json() wrote; anything else is CKPT-JSON-... as `name`:line:column.
inline RunState parse_run_state(std::string_view text, const std::string& name) {
  RunState s;
  std::set<std::string> missing{"step",       "updates",      "overflows",      "concluded",      "micro_batch",
                                "loss_scale", "lost_records", "taken_up_after", "before_answers", "history"};
  JsonScanner json(text, name, 4, blame_checkpoint);
  run_state::expect(json, JsonScanner::Kind::object);
  json.object([&](const std::string& key) {
    if (missing.erase(key) == 0) json.refuse("a run's state has the key " + quoted(key), "each of its keys once");
    json.skip_blanks();
    run_state::member(json, key, s);
  });
  const char* wrong = s.updates > s.step || s.overflows > s.skipped() ? "a run's state counts more updates than steps"
                      : s.concluded > s.step || s.step - s.concluded > 1 ? "a run's state owes more than one step"
                                                                         : nullptr;
  if (!missing.empty() || wrong)
    blame_checkpoint.raise(
        Complaint("JSON-009", wrong && missing.empty() ? wrong : "a run's state lacks the key " + *missing.begin())
            .at(name)
            .help("the file was changed by hand, or by another version"));
  if (json.kind() != JsonScanner::Kind::end) json.refuse("there is something behind a run's state", "its end");
  return s;
}

}  // namespace vlt
