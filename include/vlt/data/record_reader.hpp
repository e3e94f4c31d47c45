#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <vlt/base/nearest.hpp>
#include <vlt/data/record.hpp>
#include <vlt/io/json_scanner.hpp>

namespace vlt::data {

// Reads one record where a scanner stands. A value of the wrong form makes the record bad, not the file: the rest of
// the record is skipped and the first fault is told. Extra keys are ignored.
class RecordReader {
 public:
  RecordReader(JsonScanner& scanner, const RecordLimits& limits) : in_(scanner), limits_(limits) {}

  // The record, or why it is none. `record.place` must be set. The next value must be an object.
  std::optional<RecordFault> read(Record& record) {
    r_ = &record, fault_.reset(), keys_.clear(), turns_ = {}, image_ = Image::absent, near_miss_.clear();
    has_id_ = has_conversations_ = false;
    images_ = 0;
    begin_ = in_.offset();
    in_.object([&](const std::string& key) {
      remember(key);
      if (key == "id") id();
      else if (key == "image") image();
      else if (key == "conversations") conversations();
      else extra(key);
    });
    refuse_if_long();
    check();
    if (!fault_) return std::nullopt;
    RecordFault fault{record.place, 1, record.id, std::move(fault_->complaint)};
    fault.complaint.at(describe(in_.name(), fault_->place, record.id, fault_->path));
    return fault;
  }
  // Did the last record have a conversation, good or bad?
  bool has_conversations() const { return has_conversations_; }

 private:
  enum class Image { absent, null, named };
  enum class Role { human, gpt, system, unknown };
  struct Fault {
    RecordPlace place;
    std::string path;
    Complaint complaint;
  };
  struct Turns {
    Index count = 0, messages = 0;  // of questions and answers; of everything
    bool expects_answer = false;
    std::size_t marks = 0;
    bool mentions_mark = false;
  };

  JsonScanner& in_;
  const RecordLimits& limits_;
  Record* r_ = nullptr;
  std::optional<Fault> fault_;
  std::map<std::string, std::uint64_t> keys_;
  std::uint64_t begin_ = 0;
  Turns turns_;
  Image image_ = Image::absent;
  Index images_ = 0;  // names seen, stored or not
  std::string near_miss_;
  bool has_id_ = false, has_conversations_ = false;

  // Keeps the first fault of a record.
  void refuse(std::string path, const char* code, std::string what, std::string expected = {}, std::string found = {},
              std::string help = {}) {
    if (fault_) return;
    const TextPlace at = in_.place();
    RecordPlace place = r_->place;
    place.line = at.line, place.column = std::uint32_t(at.column);
    fault_ = Fault{place, std::move(path),
                   Complaint(std::string("DATA-") + code, std::move(what))
                       .expected(std::move(expected))
                       .found(std::move(found))
                       .help(std::move(help))};
  }
  void refuse_kind(const std::string& path, const char* code, const std::string& what, const char* expected,
                   JsonScanner::Kind found) {
    refuse(path, code, what, expected, JsonScanner::name_of(found));
    in_.skip();
  }
  void refuse_if_long() {
    if (Index(in_.offset() - begin_) > limits_.record_bytes)
      refuse({}, "RECORD-037", "the record is too long", "at most " + std::to_string(limits_.record_bytes) + " bytes",
             std::to_string(in_.offset() - begin_) + " bytes", "shorten it, or raise --limit_record_bytes");
  }
  // What may still be stored of this record.
  std::size_t room(Index limit) const {
    const auto used = Index(in_.offset() - begin_);
    return fault_ || used > limits_.record_bytes ? 0 : std::size_t(std::min(limit, limits_.record_bytes - used));
  }
  void remember(const std::string& key) {
    const auto [first, fresh] = keys_.emplace(key, in_.key_offset());
    if (!fresh)
      refuse("." + key, "RECORD-021", "key " + quoted(key) + " stands twice in one record", "each key once",
             "at byte " + std::to_string(first->second) + " and at byte " + std::to_string(in_.key_offset()));
    if (Index(keys_.size()) > limits_.keys) {
      refuse({}, "RECORD-022", "the record has too many keys", "at most " + std::to_string(limits_.keys), "more");
      keys_.clear();
    }
  }

  void id() {
    has_id_ = true;
    const auto kind = in_.kind();
    std::size_t bytes = 0;
    r_->id.clear();
    if (kind == JsonScanner::Kind::string) {
      bytes = in_.string(r_->id, std::size_t(limits_.id_bytes) + 1);
    } else if (kind == JsonScanner::Kind::number) {
      in_.number(r_->id, std::size_t(limits_.id_bytes) + 1);
      bytes = r_->id.size();
    } else {
      return refuse_kind(".id", "RECORD-025", "`id` is neither text nor a number", "a string or a number", kind);
    }
    if (bytes <= std::size_t(limits_.id_bytes)) return;
    r_->id.resize(40);
    refuse(".id", "RECORD-025", "`id` is too long", "at most " + std::to_string(limits_.id_bytes) + " bytes",
           "more bytes than that");
  }

  void image() {
    static constexpr const char* expected = "a file name, a list of file names, or null";
    r_->images.clear(), images_ = 0, image_ = Image::named;
    switch (const auto kind = in_.kind()) {
      case JsonScanner::Kind::null:
        image_ = Image::null;
        return in_.skip();
      case JsonScanner::Kind::string:
        return name(".image");
      case JsonScanner::Kind::list:
        in_.list([&] {
          const std::string path = ".image[" + std::to_string(images_) + "]";
          if (const auto k = in_.kind(); k == JsonScanner::Kind::string) name(path);
          else refuse_kind(path, "RECORD-027", "an image name is no text", "a file name", k);
        });
        if (images_ == 0)
          refuse(".image", "RECORD-027", "`image` is an empty list", expected, "[]", "use null for a text-only record");
        return;
      default:
        return refuse_kind(".image", "RECORD-027", "`image` is no file name", expected, kind);
    }
  }
  void name(const std::string& path) {
    ++images_;
    std::string text;
    const std::size_t bytes = in_.string(text, std::size_t(limits_.name_bytes) + 1);
    if (bytes == 0)
      refuse(path, "RECORD-027", "an image name is empty", "a file name", "\"\"", "use null for a text-only record");
    if (text.find('\0') != std::string::npos)
      refuse(path, "RECORD-016", "NUL in file name", "a file name", quoted(text));
    if (bytes > std::size_t(limits_.name_bytes))
      refuse(path, "PATH-006", "image file has a name that is too-long",
             "at most " + std::to_string(limits_.name_bytes) + " bytes", std::to_string(bytes) + " bytes",
             "raise --limit_path_bytes");
    if (images_ <= limits_.images && !fault_) r_->images.push_back(std::move(text));
  }

  void extra(const std::string& key) {
    static constexpr std::string_view known[] = {"picture",     "pictures",   "photo",       "image_path",
                                                 "image_paths", "image_file", "image_files", "image_name"};
    std::string lower = key;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return c < 128 ? std::tolower(c) : c; });
    const bool alike = lower.starts_with("i") && lower.size() < 9 &&
                       std::min(edit_distance(lower, "image", 3), edit_distance(lower, "images", 2)) <= 2;
    if (near_miss_.empty() && (alike || std::find(std::begin(known), std::end(known), lower) != std::end(known)))
      near_miss_ = key;
    in_.skip();
  }

  void conversations() {
    has_conversations_ = true;
    Conversation& c = r_->conversation;
    c = {}, turns_ = {};
    if (const auto kind = in_.kind(); kind != JsonScanner::Kind::list)
      return refuse_kind(".conversations", "RECORD-030", "`conversations` is no list", "a list of turns", kind);
    in_.list([&] { turn(); });
    if (turns_.messages == 0)
      return refuse(".conversations", "RECORD-031", "`conversations` is empty", "a human turn and a gpt turn", "[]");
    if (turns_.count > limits_.turns)
      refuse(".conversations", "RECORD-032", "too many turns", "at most " + std::to_string(limits_.turns),
             std::to_string(turns_.count), "split the conversation, or raise --limit_turns");
    if (turns_.count == 0)
      refuse(".conversations", "RECORD-031", "there is no turn but the system's", "a human turn and a gpt turn",
             "a system turn");
    if (turns_.expects_answer)
      refuse(".conversations", "RECORD-032", "turn " + std::to_string(turns_.messages - 1) + " from human has no reply",
             "a gpt turn behind it", "the end of the conversation");
  }
  void turn() {
    const Index number = turns_.messages++;
    const std::string path = ".conversations[" + std::to_string(number) + "]";
    if (const auto kind = in_.kind(); kind != JsonScanner::Kind::object)
      return refuse_kind(path, "RECORD-034", "a turn is no object", "{\"from\": ..., \"value\": ...}", kind);
    std::string from, value;
    bool has_from = false, has_value = false;
    std::size_t bytes = 0;
    in_.object([&](const std::string& key) {
      bool& seen = key == "from" ? has_from : has_value;
      if (key != "from" && key != "value") return in_.skip();
      if (seen)
        refuse(path + "." + key, "RECORD-021", "key " + quoted(key) + " stands twice in one turn", "each key once",
               "it again");
      seen = true;
      if (const auto kind = in_.kind(); kind != JsonScanner::Kind::string)
        return refuse_kind(path + "." + key, "RECORD-035", "`" + key + "` is no text", "a string", kind);
      if (key == "from") return void(in_.string(from, 80));
      bytes = in_.string(value, room(limits_.text_bytes));
    });
    if (!has_from)
      refuse(path + ".from", "RECORD-034", "`from` is missing", "human or gpt", "no such key", role_help());
    if (!has_value) refuse(path + ".value", "RECORD-035", "`value` is missing", "a string", "no such key", role_help());
    if (bytes > std::size_t(limits_.text_bytes))
      refuse(path + ".value", "RECORD-037", "the text of a turn is too long",
             "at most " + std::to_string(limits_.text_bytes) + " bytes", std::to_string(bytes) + " bytes",
             "raise --limit_text_bytes");
    refuse_if_long();
    if (!fault_) add(role_of(from), from, std::move(value), number, path);
  }
  static std::string role_help() { return "a turn is {\"from\": \"human\" or \"gpt\", \"value\": \"...\"}"; }
  static Role role_of(const std::string& from) {
    if (from == "human" || from == "user") return Role::human;
    if (from == "gpt" || from == "assistant") return Role::gpt;
    return from == "system" ? Role::system : Role::unknown;
  }
  void add(Role role, const std::string& from, std::string value, Index number, const std::string& path) {
    Conversation& c = r_->conversation;
    turns_.mentions_mark = turns_.mentions_mark || value.find(image_mark) != std::string::npos;
    const Role expected = turns_.expects_answer ? Role::gpt : Role::human;
    if (role == Role::system && number == 0) {
      c.has_system = true, c.system = std::move(value);
    } else if (role != expected) {
      const char* names = expected == Role::gpt ? "gpt (or assistant)" : "human (or user)";
      refuse(path + ".from", "RECORD-034",
             role == Role::unknown ? "a turn has an unknown role"
             : number == 0         ? "a conversation must start with human"
                                   : "human and gpt must alternate",
             std::string(names) + " in turn " + std::to_string(number), quoted(from));
    } else if (role == Role::human) {
      for (std::size_t at = 0; (at = value.find(image_mark, at)) != std::string::npos; at += image_mark.size())
        ++turns_.marks;
      turns_.expects_answer = true, ++turns_.count;
      c.turns.push_back({std::move(value), {}});
    } else {
      if (value.empty())
        refuse(path + ".value", "RECORD-036", "no target tokens: the answer is empty", "a text", "\"\"");
      turns_.expects_answer = false, ++turns_.count;
      c.turns.back().answer = std::move(value);
    }
  }

  // What can only be said when the whole record is known.
  void check() {
    if (!has_id_) refuse(".id", "RECORD-024", "`id` is missing", "a string or a number", "no such key");
    if (image_ == Image::absent && (turns_.mentions_mark || !near_miss_.empty()))
      refuse(".image", "RECORD-026", "missing `image`", "a file name, a list of file names, or null",
             near_miss_.empty() ? "a text that mentions <image>" : "key " + quoted(near_miss_),
             near_miss_.empty() ? "use null for text-only"
                                : "use null for text-only; did you mean `image` by " + quoted(near_miss_) + "?");
    if (!has_conversations_)
      refuse(".conversations", "RECORD-030", "`conversations` is missing", "a list of turns", "no such key");
    if (images_ > limits_.images)
      refuse(".image", "RECORD-029", "too many images", "at most " + std::to_string(limits_.images),
             std::to_string(images_), "raise --max_num_image_per_sample");
    if (turns_.marks != 0 && Index(turns_.marks) != images_)
      refuse(".conversations", "IMG-004", "image count does not match `<image>` marks",
             std::to_string(images_) + (images_ == 1 ? " mark" : " marks") + ", because `image` " + listed() +
                 " (or no mark at all)",
             std::to_string(turns_.marks) + (turns_.marks == 1 ? " mark" : " marks"),
             "write one <image> for each file in `image`");
    r_->conversation.images = r_->images.size();
  }
  std::string listed() const {
    return image_ == Image::null ? "is null" : "lists " + std::to_string(images_) + (images_ == 1 ? " file" : " files");
  }
};

}  // namespace vlt::data
