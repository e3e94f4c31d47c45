#pragma once
#include <deque>
#include <exception>
#include <unordered_map>
#include <vlt/base/parallel.hpp>
#include <vlt/data/bad_records.hpp>
#include <vlt/data/dataset_file.hpp>
#include <vlt/data/joined_record.hpp>
#include <vlt/data/sample_builder.hpp>

namespace vlt::data {

// Looks at an image's bytes without decoding them, tells its size, and throws Error (exit 3) if it cannot be used.
// `advise`: take the time to look for the name that was meant. Called from several threads at once.
using ImageCheck = std::function<image::Size(const std::string& name, bool advise)>;

// What a record becomes, as the audit found it.
struct SampleSize {
  std::int32_t tokens = 0;      // of the spliced sequence
  std::int32_t supervised = 0;  // of these, how many are learnt
  std::int32_t images = 0;
  std::int32_t tiles = 0;  // of its images
};
inline SampleSize size_of(const PreparedSample& p) {
  return {std::int32_t(p.tokens), std::int32_t(p.supervised), std::int32_t(p.images.size()), std::int32_t(p.tiles)};
}

// What became of the records of one file: records = used + bad + too_long.
struct FileAudit {
  std::string path;
  RecordForm form = RecordForm::unknown;
  Index records = 0, used = 0;
  Index bad = 0;                         // skipped, or the end of the run
  Index too_long = 0;                    // left out whole by --truncation drop_sample
  Index turns_cut = 0, answers_cut = 0;  // used, but shortened: whole turns left out; the only answer left cut
  Index turns_left_out = 0;
  Index images = 0, tokens = 0, supervised = 0;  // of the used ones
  std::map<std::string, Index> reasons;          // of the bad ones, by code
};

// The records that can be used, and an account of all. Samples are the records by their numbers and, numbered behind
// them, conversations that several records were joined into.
struct Dataset {
  std::deque<Record> records;              // place.file says of which file; in the order of the files
  std::vector<SampleSize> sizes;           // one for each sample
  std::vector<std::vector<Index>> joined;  // the records of each conversation
  std::vector<FileAudit> files;
  std::vector<Complaint> warnings;

  Index size() const { return Index(records.size()); }
  // Gives a new conversation its number.
  Index join(std::vector<Index> members, const SampleSize& as_large_as) {
    joined.push_back(std::move(members)), sizes.push_back(as_large_as);
    return Index(sizes.size()) - 1;
  }
  // The records of a sample, and it as one; `left`: those that are left of them.
  std::vector<Index> members(Index sample) const {
    return sample < size() ? std::vector{sample} : joined.at(std::size_t(sample - size()));
  }
  Record record_of(Index sample) const { return record_of(sample, members(sample)); }
  Record record_of(Index sample, std::span<const Index> left) const {
    if (sample < size()) return records.at(std::size_t(sample));
    return join_records(records, joined.at(std::size_t(sample - size())).front(), left);
  }
  // How many records of each file can be used.
  std::vector<Index> used() const {
    std::vector<Index> all;
    for (const FileAudit& f : files) all.push_back(f.used);
    return all;
  }
};

// Accounts for every record of the data: reads it, looks at its images, builds its sample. The verdicts and their order
// do not depend on the number of threads.
class Audit {
 public:
  // listener: hears of every bad record, in the order of the files.
  Audit(const RecordLimits& limits, const BadSampleRules& rules, const SampleBuilder& builder, ImageCheck check,
        Threads& threads, FaultLedger::Listener listener = {})
      : limits_(limits),
        builder_(builder),
        check_(std::move(check)),
        threads_(&threads),
        ledger_(rules, std::move(listener)),
        encoders_(std::size_t(threads.count()), text::Encoder(builder.tokenizer())) {}

  // Throws Error if a file is no data set, BadRecords if too many of its records are bad.
  Dataset operator()(const std::vector<std::string>& paths) {
    Index records = 0;
    for (std::size_t f = 0; f < paths.size(); ++f) {
      data_.files.push_back({});
      file().path = paths[f];
      DatasetFile reader(paths[f], std::uint32_t(f), limits_);
      file().records = reader.read(
          {[this](Record&& r) { take(std::move(r)); }, [this](RecordFault&& fault) { settle(), blame(fault); }});
      settle();
      file().form = reader.form();
      records += file().records;
      const FileAudit& a = file();
      require(a.records == a.used + a.bad + a.too_long, "audit: the totals do not add up to the file");
    }
    warn_of_repeated_ids();
    ledger_.judge(records, data_.size());
    return std::move(data_);
  }

 private:
  // What looking at an image or a record ended with.
  struct Outcome {
    std::optional<Complaint> fault;  // of the data
    std::exception_ptr broken;       // anything else: the end of the audit

    template <class F> void attempt(F&& f) {
      try {
        f();
      } catch (const Error& e) {
        if (e.exit() == ExitCode::data) fault = e.complaint();
        else broken = std::current_exception();
      } catch (...) { broken = std::current_exception(); }
    }
  };
  struct Look : Outcome {
    image::Size size;
  };
  struct Verdict : Outcome {
    SampleSize size;
    Cut cut = Cut::none;
    Index turns_left_out = 0;
  };
  static constexpr std::size_t at_once = 256;

  RecordLimits limits_;
  SampleBuilder builder_;
  ImageCheck check_;
  Threads* threads_;
  FaultLedger ledger_;
  std::vector<text::Encoder> encoders_;
  Dataset data_;
  std::vector<Record> waiting_;
  std::map<std::string, Look> looks_;                         // at the images of the waiting records
  std::unordered_map<std::string, image::Size> good_images_;  // by their names
  std::vector<std::pair<std::uint64_t, Index>> ids_;

  FileAudit& file() { return data_.files.back(); }

  void take(Record&& record) {
    waiting_.push_back(std::move(record));
    if (waiting_.size() == at_once) settle();
  }
  void blame(const RecordFault& fault) {
    file().bad += fault.count;
    file().reasons[fault.complaint.code()] += fault.count;
    ledger_.add(fault);
  }

  // Judges the waiting records on all threads and books them in their order.
  void settle() {
    look_at_images();
    std::vector<Verdict> verdicts(waiting_.size());
    on_all_threads(waiting_.size(), [&](std::size_t i, text::Encoder& encoder) {
      verdicts[i].attempt([&] { judge(waiting_[i], encoder, verdicts[i]); });
    });
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      if (verdicts[i].broken) std::rethrow_exception(verdicts[i].broken);
      book(std::move(waiting_[i]), verdicts[i]);
    }
    waiting_.clear();
  }
  template <class F> void on_all_threads(std::size_t n, F&& f) {
    threads_->run([&](int thread, int count) {
      for (std::size_t i = std::size_t(thread); i < n; i += std::size_t(count)) f(i, encoders_[std::size_t(thread)]);
    });
  }
  // Every image that the waiting records name and that was not seen before, once.
  void look_at_images() {
    looks_.clear();
    for (const Record& r : waiting_)
      for (const std::string& name : r.images)
        if (!good_images_.contains(name)) looks_.try_emplace(name);
    std::vector<std::pair<const std::string, Look>*> all;
    for (auto& look : looks_) all.push_back(&look);
    on_all_threads(all.size(), [&](std::size_t i, text::Encoder&) {
      Look& look = all[i]->second;
      look.attempt([&] { look.size = check_(all[i]->first, false); });
    });
    for (const auto* look : all)
      if (!look->second.fault && !look->second.broken) good_images_.emplace(look->first, look->second.size);
  }
  void judge(Record& record, text::Encoder& encoder, Verdict& v) const {
    for (const std::string& name : record.images) {
      const auto look = looks_.find(name);
      if (look == looks_.end()) continue;
      v.fault = look->second.fault, v.broken = look->second.broken;
      if (v.fault || v.broken) return;
    }
    if (builder_.rules().pictures.vary())
      for (const std::string& name : record.images) record.sizes.push_back(good_images_.at(name));
    const PreparedSample p = builder_.prepare(record, encoder);
    v.size = size_of(p);
    v.cut = p.cut, v.turns_left_out = p.turns_left_out;
  }
  void book(Record&& record, const Verdict& v) {
    FileAudit& f = file();
    if (v.fault) return blame(placed(record, advised(record, *v.fault)));
    if (v.cut == Cut::sample) return void(++f.too_long);
    ++f.used;
    f.turns_cut += v.cut == Cut::turns, f.answers_cut += v.cut == Cut::answer;
    f.turns_left_out += v.turns_left_out;
    f.images += v.size.images, f.tokens += v.size.tokens, f.supervised += v.size.supervised;
    ids_.emplace_back(std::hash<std::string>{}(record.id), data_.size());
    data_.sizes.push_back(v.size);
    data_.records.push_back(std::move(record));
  }
  // The faults that are printed also say what a missing file may have been called.
  Complaint advised(const Record& record, const Complaint& fault) {
    if (fault.code() != "DATA-PATH-001" || !ledger_.will_show(fault)) return fault;
    try {
      for (const std::string& name : record.images) check_(name, true);
    } catch (const Error& e) { return e.exit() == ExitCode::data ? e.complaint() : fault; }
    return fault;
  }
  // A fault that was found outside the text gets the record's place in it.
  RecordFault placed(const Record& r, Complaint c) const {
    const bool image =
        c.code().starts_with("DATA-PATH") || c.code().starts_with("DATA-IMAGE") || c.code().starts_with("DATA-FILE");
    const std::string where =
        describe(data_.files[r.place.file].path, r.place, r.id, image ? ".image" : ".conversations");
    return {r.place, 1, r.id, std::move(c.within(where))};
  }

  void warn_of_repeated_ids() {
    std::sort(ids_.begin(), ids_.end());
    Index repeated = 0;
    const Record *first = nullptr, *second = nullptr;
    for (std::size_t i = 1; i < ids_.size(); ++i) {
      const Record &a = data_.records[std::size_t(ids_[i - 1].second)], &b = data_.records[std::size_t(ids_[i].second)];
      if (ids_[i].first != ids_[i - 1].first || a.id != b.id || a.place.file != b.place.file) continue;
      ++repeated;
      if (!first || before(a, *first)) first = &a, second = &b;
    }
    ids_ = {};
    if (repeated == 0) return;
    const auto at = [&](const Record& r) { return describe(data_.files[r.place.file].path, r.place, r.id); };
    data_.warnings.push_back(Complaint("DATA-RECORD-022", std::to_string(repeated) +
                                                              (repeated == 1 ? " record has" : " records have") +
                                                              " the id of another record")
                                 .at(at(*first))
                                 .expected("ids that differ")
                                 .found("the same id at " + at(*second))
                                 .help("ids only name records in messages; training goes on"));
  }
  static bool before(const Record& a, const Record& b) {
    return std::pair(a.place.file, a.place.index) < std::pair(b.place.file, b.place.index);
  }
};

}  // namespace vlt::data
