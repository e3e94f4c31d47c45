#pragma once
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <vlt/io/pretty_json.hpp>
#include <vlt/report/event.hpp>
#include <vlt/report/html.hpp>
#include <vlt/report/record_file.hpp>
#include <vlt/report/report_data.hpp>
#include <vlt/train/run_state.hpp>
#include <vlt/train/trainer_listener.hpp>

namespace vlt::report {

// Seconds since 1970.
inline double wall_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A folder of event files that TensorBoard shows as one run: the numbers of its steps and evaluations, its options, and
// at the end pictures with answers. Every process that works on the run adds a file, named so that it is read last; it
// takes back what the files before it say of steps that are done again, and adds what they lack. A log is not the run:
// what cannot be written is said once, and the training goes on.
class TensorBoardLog final : public TrainerListener {
 public:
  struct Settings {
    boost::json::object options;  // as resolved
    std::function<void(const Complaint&)> warn;
    std::function<double()> clock = wall_clock;
  };

  static constexpr const char* loss = "Train/Samples/train_loss";

  // The run stands at `state`, and will have `steps`.
  TensorBoardLog(const std::string& folder, const RunState& state, Index steps, Settings settings)
      : settings_(std::move(settings)), steps_(steps) {
    attempt([&] {
      make_folders(folder);
      const std::vector<std::string> before = files_in(folder);
      // The last step is told again: what followed it, an evaluation or the answers at the end, may be owed.
      const Index first = std::max<Index>(1, std::min(last_step_of(before), state.concluded));
      file_.emplace(next_name(folder, before), "the TensorBoard log");
      begin(first);
      catch_up(state.history, first);
    });
  }

  void step_done(const StepMetrics& m, const Pace&) override { put(m); }
  void evaluated(const EvalMetrics& m) override { put(m); }
  // The run is over.
  void finish(const std::vector<ReportSample>& samples) {
    for (std::size_t i = 0; i < samples.size(); ++i) put(samples[i], "samples/" + std::to_string(i + 1));
    ProtobufWriter end;
    event::add_success(end, settings_.clock());
    put(end, steps_);
  }

  // The last step of which a reader of these files would show a loss; 0: none.
  static Index last_step_of(const std::vector<std::string>& files) {
    Index last = 0;
    for (const std::string& path : files)
      for_each_record(path, [&](std::string_view bytes) {
        const Head h = head_of(bytes);
        if (h.what == Head::session) last = std::min(last, h.step - 1);
        else if (bytes.find(loss) != bytes.npos) last = h.step;
      });
    return last;
  }
  // In the order in which they are read.
  static std::vector<std::string> files_in(const std::string& folder) {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (entry.path().filename().native().starts_with(prefix)) all.push_back(entry.path());
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  static constexpr std::string_view prefix = "events.out.tfevents.";
  static constexpr int largest_side = 512;  // of a picture

  // What an event begins with, as begin() writes it.
  struct Head {
    static constexpr char session = 7 << 3 | 2;
    Index step = 0;
    char what = 0;  // the tag of what follows
  };
  static Head head_of(std::string_view bytes) {
    Head h;
    std::size_t at = 9;  // behind the time
    if (bytes.size() > at && bytes[at] == 2 << 3) {
      for (int shift = 0; ++at < bytes.size() && shift < 63; shift += 7) {
        h.step |= Index(bytes[at] & 0x7F) << shift;
        if (static_cast<unsigned char>(bytes[at]) < 0x80) break;
      }
      ++at;
    }
    if (at < bytes.size()) h.what = bytes[at];
    return h;
  }
  std::string next_name(const std::string& folder, const std::vector<std::string>& before) const {
    long long time = static_cast<long long>(settings_.clock());
    for (const std::string& path : before) {
      const std::string digits = std::filesystem::path(path).filename().native().substr(prefix.size());
      time = std::max(time, std::strtoll(digits.c_str(), nullptr, 10) + 1);
    }
    char host[256] = "host";
    ::gethostname(host, sizeof host - 1);
    return folder + "/" + std::string(prefix) + std::to_string(time) + "." + host + "." + std::to_string(::getpid());
  }

  void begin(Index first) {
    const double now = settings_.clock();
    file_->add(event::file_version(event::begin(now, 0)).bytes());
    file_->add(event::session_start(event::begin(now, first)).bytes());
    std::string table = "| option | value |\n|---|---|\n";
    for (const auto& [name, value] : settings_.options)
      table += "| " + std::string(name) + " | " + cell(value) + " |\n";
    ProtobufWriter about;
    event::add_text(about, "options", table);
    event::add_settings(about, settings_.options, now);
    file_->add(event::summary(event::begin(now, first), about).bytes());
  }
  static std::string cell(const boost::json::value& value) {
    std::string out = "`";
    for (const char c : value.is_double() ? pretty::number(value.get_double()) : boost::json::serialize(value))
      out += c == '|' ? "\\|" : c == '`' ? "'" : std::string(1, c);
    return out + "`";
  }
  void catch_up(const MetricsHistory& h, Index first) {
    for (const StepMetrics& m : h.steps)
      if (m.step >= first) put(m);
    for (const EvalMetrics& m : h.evaluations)
      if (m.step >= first) put(m);
  }

  void put(const StepMetrics& m) {
    ProtobufWriter all;
    const auto add = [&](const std::string& tag, double value) { event::add_scalar(all, tag, value); };
    const auto may_add = [&](const char* tag, const std::optional<double>& value) {
      if (value) add(tag, *value);
    };
    add(loss, m.loss);
    may_add("Train/Samples/lr", m.lr ? m.lr : m.lr_language ? m.lr_language : m.lr_vision);
    may_add("Train/Samples/loss_scale", m.loss_scale);
    may_add("Train/lr_vision", m.lr_vision), may_add("Train/lr_language", m.lr_language);
    add("Train/grad_norm", m.grad_norm), add("Train/epoch", m.epoch);
    may_add("Train/token_accuracy", m.token_accuracy);
    add("Train/tokens", double(m.tokens)), add("Train/supervised_tokens", double(m.supervised_tokens));
    add("Train/tokens_per_s", m.tokens_per_s), add("Train/images_per_s", m.images_per_s);
    add("Train/mfu", m.mfu), add("Train/memory", double(m.memory));
    for (const auto& [name, value] : m.loss_by_dataset) add("Train/loss_by_dataset/" + name, value);
    put(all, m.step);
  }
  void put(const EvalMetrics& m) {
    ProtobufWriter all;
    event::add_scalar(all, "Eval/loss", m.eval_loss);
    if (m.token_accuracy) event::add_scalar(all, "Eval/token_accuracy", *m.token_accuracy);
    put(all, m.step);
  }
  void put(const ReportSample& s, const std::string& tag) {
    std::string about;
    const auto line = [&](const char* name, const std::string& text) {
      about += "**" + std::string(name) + "**\n\n" + quoted_lines(text) + "\n\n";
    };
    line("question", s.question), line("reference answer", s.expected);
    if (s.before) line("model before training", *s.before);
    if (s.after) line("model now", *s.after);
    ProtobufWriter all;
    event::add_text(all, tag + "/answers", about);
    for (std::size_t i = 0; i < s.pictures.size(); ++i)
      event::add_picture(all, tag + "/picture_" + std::to_string(i + 1), shrunk(s.pictures[i].image, largest_side));
    put(all, steps_);
  }
  // As a block of code: nothing in it is markup.
  static std::string quoted_lines(const std::string& text) {
    std::string out = "    ";
    for (const char c : text) out += c == '\n' ? "\n    " : std::string(1, c);
    return out;
  }

  void put(const ProtobufWriter& values, Index step) {
    attempt([&] {
      if (file_) file_->add(event::summary(event::begin(settings_.clock(), step), values).bytes());
    });
  }
  template <class Work> void attempt(Work&& work) {
    try {
      work();
    } catch (const Error& e) { tell(e.complaint()); } catch (const std::filesystem::filesystem_error& e) {
      tell(Complaint("WRITE-LOG-001", "the TensorBoard log cannot be written").at(e.path1()).found(e.code().message()));
    }
  }
  void tell(Complaint c) {
    if (!std::exchange(told_, true))
      settings_.warn(
          c.note("the training goes on, and events are missing from the log; metrics.jsonl has all numbers"));
  }

  Settings settings_;
  Index steps_;
  std::optional<RecordFile> file_;
  bool told_ = false;
};

}  // namespace vlt::report
