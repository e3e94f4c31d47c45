#pragma once
#include <utility>
#include <vlt/data/record_reader.hpp>
#include <vlt/io/file.hpp>

namespace vlt::data {

// Who takes the records of a file, in its order.
struct RecordSink {
  std::function<void(Record&&)> good;
  std::function<void(RecordFault&&)> bad;
};

// A data set in one file: a JSON list of records, or JSON Lines (one object a line). Only what the sink keeps stays in
// memory. A file that is no such list is a DATA-FILE or DATA-JSON error; a bad record goes to the sink.
class DatasetFile {
 public:
  // file: its number in the run, for the places of its records.
  DatasetFile(const std::string& path, std::uint32_t file, const RecordLimits& limits)
      : file_(open(path)),
        in_([this](char* to, std::size_t bytes) { return next(to, bytes); }, path, limits.depth),
        reader_(in_, limits) {
    place_.file = file;
  }
  DatasetFile(const DatasetFile&) = delete;
  DatasetFile& operator=(const DatasetFile&) = delete;

  // Reads the whole file; returns how many records it has, good and bad.
  Index read(const RecordSink& sink) {
    sink_ = &sink;
    skip_byte_order_mark();
    switch (const auto kind = in_.kind()) {
      case JsonScanner::Kind::end:
        refuse("FILE-004", "empty file", "a list of records", std::to_string(file_.size()) + " bytes");
      case JsonScanner::Kind::list:
        list();
        break;
      case JsonScanner::Kind::object:
        lines();
        break;
      default:
        refuse_root(kind);
    }
    flush();
    if (place_.index == 0) refuse("FILE-007", "0 records", "at least one record", "[]");
    return place_.index;
  }
  // How its records hold their conversations: all alike, as the first that has one.
  RecordForm form() const { return form_; }

 private:
  File file_;
  std::uint64_t read_ = 0;
  JsonScanner in_;
  RecordReader reader_;
  const RecordSink* sink_ = nullptr;
  RecordPlace place_;  // of the next record
  RecordFault run_{};  // neighbours that are no objects; told when they end
  bool in_run_ = false, lines_ = false;
  RecordForm form_ = RecordForm::unknown;
  TextPlace form_place_;  // of the record that showed it

  static File open(const std::string& path) {
    try {
      return open_file(path, blame_data);
    } catch (const Error& e) {
      const std::string meant = e.complaint().help();
      throw Error(e.exit(), Complaint(e.complaint()).help("check --data_path" + (meant.empty() ? "" : ": " + meant)));
    }
  }
  std::size_t next(char* to, std::size_t bytes) {
    bytes = std::size_t(std::min<std::uint64_t>(bytes, file_.size() - read_));
    if (bytes > 0) file_.read(read_, to, bytes);
    read_ += bytes;
    return bytes;
  }
  [[noreturn]] void refuse(const char* code, std::string what, std::string expected, std::string found = {},
                           std::string help = {}) {
    blame_data.raise(Complaint(code, std::move(what))
                         .at(JsonScanner::text_of(file_.name(), in_.place()))
                         .expected(std::move(expected))
                         .found(std::move(found))
                         .help(std::move(help)));
  }
  [[noreturn]] void refuse_root(JsonScanner::Kind found) {
    refuse("FILE-006", std::string("expected a list, found ") + JsonScanner::name_of(found), "a list of records",
           JsonScanner::name_of(found), "write the records as one JSON list [...], or one a line");
  }
  // UTF-8 may begin with a mark; any other encoding is named. JSON begins with two ASCII characters.
  void skip_byte_order_mark() {
    unsigned char b[3] = {1, 1, 1};
    file_.read(0, b, std::size_t(std::min<std::uint64_t>(3, file_.size())));
    const bool marked = (b[0] == 0xFF && b[1] == 0xFE) || (b[0] == 0xFE && b[1] == 0xFF);
    if (marked || b[0] == 0 || b[1] == 0)
      refuse("FILE-013", "the file is UTF-16 or UTF-32", "UTF-8",
             quoted(std::string_view(reinterpret_cast<const char*>(b), 2)),
             "convert it to UTF-8: iconv -f UTF-16 -t UTF-8");
    if (b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF) in_.take(), in_.take(), in_.take();
  }

  void list() {
    in_.list([&] { one(in_.kind()); });
    in_.skip_blanks();
    const int c = in_.peek();
    if (c == '{' || c == '[') refuse_change("one list, or one object a line, not both");
    if (c >= 0) in_.refuse("the list has ended, but the file goes on", "the end of the file");
  }
  void lines() {
    lines_ = true;
    for (std::uint64_t line = 0;;) {
      const auto kind = in_.kind();
      if (kind == JsonScanner::Kind::end) break;
      if (kind == JsonScanner::Kind::list) refuse_change("objects only, one a line");
      if (in_.place().line == line) in_.refuse("two records on one line", "a line break, or a list [...] of records");
      one(kind);
      line = in_.place().line;
    }
    if (place_.index == 1 && form_ == RecordForm::unknown) refuse_root(JsonScanner::Kind::object);
  }
  [[noreturn]] void refuse_change(const char* expected) {
    refuse("JSON-019", "here the file changes between a JSON list and JSON Lines", expected,
           JsonScanner::name_of(in_.kind()));
  }

  void one(JsonScanner::Kind kind) {
    const TextPlace at = in_.place();
    place_.line = at.line, place_.column = std::uint32_t(std::min<std::uint64_t>(at.column, UINT32_MAX));
    if (kind == JsonScanner::Kind::object) record();
    else no_record(kind);
    ++place_.index;
  }
  void record() {
    flush();
    Record record;
    record.place = place_;
    const TextPlace at = in_.place();
    auto fault = reader_.read(record);
    require_same_form(at);
    if (fault) sink_->bad(std::move(*fault));
    else sink_->good(std::move(record));
  }
  // A file of two forms was put together by mistake, or is read by a rule nobody has thought of.
  void require_same_form(const TextPlace& at) {
    const RecordForm form = reader_.form();
    if (form_ == RecordForm::unknown) form_ = form, form_place_ = at;
    if (form == RecordForm::unknown || form == form_) return;
    blame_data.raise(
        Complaint("FILE-014", "the file mixes two forms of records")
            .at(JsonScanner::text_of(file_.name(), at))
            .expected(std::string("`") + name(form_) + "`, as at " + JsonScanner::text_of(file_.name(), form_place_))
            .found(std::string("`") + name(form) + "`")
            .help("make a file of each, and give both to --data_path"));
  }
  void no_record(JsonScanner::Kind kind) {
    in_.skip();
    if (in_run_) return void(++run_.count);
    in_run_ = true;
    const std::string name = JsonScanner::name_of(kind);
    run_ = {place_,
            1,
            {},
            Complaint("DATA-RECORD-023", "a record is no object: expected object, found " + name)
                .at(describe(file_.name(), place_, {}))
                .expected("object")
                .found(name)};
  }
  void flush() {
    if (std::exchange(in_run_, false)) sink_->bad(std::move(run_));
  }
};

}  // namespace vlt::data
