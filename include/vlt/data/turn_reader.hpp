#pragma once
#include <algorithm>
#include <optional>
#include <vlt/data/record.hpp>
#include <vlt/io/json_scanner.hpp>

namespace vlt::data {

// The first thing that is wrong with a record, and where: the rest of the record is only skipped.
class FirstFault {
 public:
  FirstFault(JsonScanner& scanner, const RecordLimits& limits) : in_(scanner), limits_(limits) {}

  void begin(const RecordPlace& place) { record_ = place, begin_ = in_.offset(), complaint_.reset(); }
  explicit operator bool() const { return complaint_.has_value(); }
  RecordFault told(const Record& r) {
    RecordFault fault{r.place, 1, r.id, std::move(*complaint_)};
    fault.complaint.at(describe(in_.name(), place_, r.id, path_));
    return fault;
  }

  void refuse(std::string path, const char* code, std::string what, std::string expected = {}, std::string found = {},
              std::string help = {}) {
    if (complaint_) return;
    const TextPlace at = in_.place();
    place_ = record_, place_.line = at.line, place_.column = std::uint32_t(at.column);
    path_ = std::move(path);
    complaint_ = Complaint(std::string("DATA-") + code, std::move(what))
                     .expected(std::move(expected))
                     .found(std::move(found))
                     .help(std::move(help));
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
    return complaint_ || used > limits_.record_bytes ? 0 : std::size_t(std::min(limit, limits_.record_bytes - used));
  }
  // The name of an image file.
  void image_name(std::string& to, const std::string& path) {
    const std::size_t bytes = in_.string(to, std::size_t(limits_.name_bytes) + 1);
    if (bytes == 0)
      refuse(path, "RECORD-027", "an image name is empty", "a file name", "\"\"", "use null for a text-only record");
    if (to.find('\0') != std::string::npos) refuse(path, "RECORD-016", "NUL in file name", "a file name", quoted(to));
    if (to.starts_with("data:"))
      refuse(path, "RECORD-027", "an image stands in the record itself", "the name of a file under --image_folder",
             quoted(to.substr(0, 60)), "save it as a file");
    if (bytes > std::size_t(limits_.name_bytes))
      refuse(path, "PATH-006", "image file has a name that is too-long",
             "at most " + std::to_string(limits_.name_bytes) + " bytes", std::to_string(bytes) + " bytes",
             "raise --limit_path_bytes");
  }
  // A text of a turn, kept as far as there is room.
  void text(std::string& to, const std::string& path) {
    const std::size_t bytes = in_.string(to, room(limits_.text_bytes));
    if (bytes > std::size_t(limits_.text_bytes))
      refuse(path, "RECORD-037", "the text of a turn is too long",
             "at most " + std::to_string(limits_.text_bytes) + " bytes", std::to_string(bytes) + " bytes",
             "raise --limit_text_bytes");
    refuse_if_long();
  }

 private:
  JsonScanner& in_;
  const RecordLimits& limits_;
  RecordPlace record_, place_;
  std::uint64_t begin_ = 0;
  std::string path_;
  std::optional<Complaint> complaint_;
};

// Reads the list of turns of a record where a scanner stands, in one of the forms of turns.
class TurnReader {
 public:
  TurnReader(JsonScanner& scanner, const RecordLimits& limits, FirstFault& fault)
      : in_(scanner), limits_(limits), fault_(fault) {}

  std::size_t marks() const { return marks_; }            // `<image>` in questions
  bool mentions_mark() const { return mentions_mark_; }   // anywhere
  Index open_pictures() const { return open_pictures_; }  // parts of messages without a file of their own
  const std::vector<std::string>& pictures() const { return pictures_; }  // files named by parts of messages

  void begin(Conversation& c) {
    conversation_ = &c, c = {};
    count_ = messages_ = open_pictures_ = 0, marks_ = 0, expects_answer_ = mentions_mark_ = false;
    pictures_.clear();
  }
  void list(RecordForm form) {
    form_ = form;
    const std::string key = name(form), path = "." + key;
    begin(*conversation_);
    if (const auto kind = in_.kind(); kind != JsonScanner::Kind::list)
      return fault_.refuse_kind(path, "RECORD-030", "`" + key + "` is no list", "a list of turns", kind);
    in_.list([&] { turn(path + "[" + std::to_string(messages_++) + "]"); });
    if (messages_ == 0) return fault_.refuse(path, "RECORD-031", "`" + key + "` is empty", both(), "[]");
    if (count_ > limits_.turns)
      fault_.refuse(path, "RECORD-032", "too many turns", "at most " + std::to_string(limits_.turns),
                    std::to_string(count_), "split the conversation, or raise --limit_turns");
    if (count_ == 0) fault_.refuse(path, "RECORD-031", "there is no turn but the system's", both(), "a system turn");
    if (expects_answer_)
      fault_.refuse(path, "RECORD-032",
                    "turn " + std::to_string(messages_ - 1) + " from " + words().asks + " has no reply",
                    std::string("a ") + words().answers + " turn behind it", "the end of the conversation");
  }
  // A question and its answer that stand outside a list of turns.
  void pair(std::string question, std::string answer, const std::string& path) {
    form_ = RecordForm::alpaca;
    ++messages_;
    add(Role::human, words().asks, std::move(question), path);
    ++messages_;
    add(Role::gpt, words().answers, std::move(answer), path);
  }

 private:
  enum class Role { human, gpt, system, unknown };
  // What a form calls things.
  struct Vocabulary {
    const char *role, *text, *asks, *answers, *either_asks, *either_answers, *turn;
  };

  JsonScanner& in_;
  const RecordLimits& limits_;
  FirstFault& fault_;
  Conversation* conversation_ = nullptr;
  RecordForm form_ = RecordForm::conversations;
  Index count_ = 0, messages_ = 0;  // questions and answers; everything
  Index open_pictures_ = 0;
  std::size_t marks_ = 0;
  bool expects_answer_ = false, mentions_mark_ = false;
  std::vector<std::string> pictures_;

  const Vocabulary& words() const {
    static constexpr Vocabulary llava{"from",
                                      "value",
                                      "human",
                                      "gpt",
                                      "human (or user)",
                                      "gpt (or assistant)",
                                      "a turn is {\"from\": \"human\" or \"gpt\", \"value\": \"...\"}"};
    static constexpr Vocabulary messages{"role",
                                         "content",
                                         "user",
                                         "assistant",
                                         "user (or human)",
                                         "assistant (or gpt)",
                                         "a turn is {\"role\": \"user\" or \"assistant\", \"content\": \"...\"}"};
    static constexpr Vocabulary alpaca{
        "instruction", "output", "instruction", "output", "instruction", "output", "an instruction has an output"};
    return form_ == RecordForm::messages ? messages : form_ == RecordForm::alpaca ? alpaca : llava;
  }
  std::string both() const { return std::string("a ") + words().asks + " turn and a " + words().answers + " turn"; }

  void turn(const std::string& path) {
    if (const auto kind = in_.kind(); kind != JsonScanner::Kind::object)
      return fault_.refuse_kind(
          path, "RECORD-034", "a turn is no object",
          form_ == RecordForm::messages ? "{\"role\": ..., \"content\": ...}" : "{\"from\": ..., \"value\": ...}",
          kind);
    std::string from, value;
    bool has_from = false, has_value = false;
    in_.object([&](const std::string& key) {
      const bool is_role = key == words().role;
      if (!is_role && key != words().text) return in_.skip();
      bool& seen = is_role ? has_from : has_value;
      if (seen)
        fault_.refuse(path + "." + key, "RECORD-021", "key " + quoted(key) + " stands twice in one turn",
                      "each key once", "it again");
      seen = true;
      const auto kind = in_.kind();
      if (kind == JsonScanner::Kind::list && !is_role && form_ == RecordForm::messages)
        return parts(value, path + "." + key);
      if (kind != JsonScanner::Kind::string)
        return fault_.refuse_kind(path + "." + key, "RECORD-035", "`" + key + "` is no text", "a string", kind);
      if (is_role) return void(in_.string(from, 80));
      fault_.text(value, path + "." + key);
    });
    if (!has_from)
      fault_.refuse(path + "." + words().role, "RECORD-034", std::string("`") + words().role + "` is missing",
                    std::string(words().asks) + " or " + words().answers, "no such key", words().turn);
    if (!has_value)
      fault_.refuse(path + "." + words().text, "RECORD-035", std::string("`") + words().text + "` is missing",
                    "a string", "no such key", words().turn);
    fault_.refuse_if_long();
    if (!fault_) add(role_of(from), from, std::move(value), path);
  }

  // A message in parts, texts and pictures: where a picture stands, the text gets a mark.
  void parts(std::string& value, const std::string& path) {
    Index number = 0;
    in_.list([&] { part(value, path + "[" + std::to_string(number++) + "]"); });
  }
  void part(std::string& value, const std::string& path) {
    std::string type, text, file;
    bool has_file = false;
    if (in_.kind() == JsonScanner::Kind::string) return append(value, path);
    if (const auto kind = in_.kind(); kind != JsonScanner::Kind::object)
      return fault_.refuse_kind(path, "RECORD-035", "a part of a message is no object", "{\"type\": ...}", kind);
    in_.object([&](const std::string& key) {
      const bool is_text = in_.kind() == JsonScanner::Kind::string;
      if (key == "type" && is_text) return void(in_.string(type, 40));
      if (key == "text" && is_text) return fault_.text(text, path + ".text");
      if (key != "image" && key != "image_url" && key != "url" && key != "path") return in_.skip();
      has_file = picture(file, path + "." + key) || has_file;
    });
    if (type == "text" || type == "input_text") {
      value += text;
    } else if (type == "image" || type == "image_url" || type == "input_image") {
      value += image_mark;
      if (has_file) pictures_.push_back(std::move(file));
      else ++open_pictures_;
    } else {
      fault_.refuse(path + ".type", "RECORD-038", "a part of a message is neither text nor a picture",
                    "text, image or image_url", type.empty() ? "no such key" : quoted(type));
    }
  }
  void append(std::string& value, const std::string& path) {
    std::string text;
    fault_.text(text, path);
    value += text;
  }
  // The file of a picture: a name, or an object that holds it.
  bool picture(std::string& file, const std::string& path) {
    const auto kind = in_.kind();
    if (kind == JsonScanner::Kind::string) {
      fault_.image_name(file, path);
      return true;
    }
    if (kind != JsonScanner::Kind::object) return in_.skip(), false;
    bool found = false;
    in_.object([&](const std::string& key) {
      if ((key != "url" && key != "path") || in_.kind() != JsonScanner::Kind::string) return in_.skip();
      fault_.image_name(file, path + "." + key);
      found = true;
    });
    return found;
  }

  static Role role_of(const std::string& from) {
    if (from == "human" || from == "user") return Role::human;
    if (from == "gpt" || from == "assistant") return Role::gpt;
    return from == "system" ? Role::system : Role::unknown;
  }
  void add(Role role, const std::string& from, std::string value, const std::string& path) {
    Conversation& c = *conversation_;
    const Index number = messages_ - 1;
    mentions_mark_ = mentions_mark_ || value.find(image_mark) != std::string::npos;
    const Role expected = expects_answer_ ? Role::gpt : Role::human;
    if (role == Role::system && number == 0) {
      c.has_system = true, c.system = std::move(value);
    } else if (role != expected) {
      fault_.refuse(path + "." + words().role, "RECORD-034",
                    role == Role::unknown ? std::string("a turn has an unknown role")
                    : number == 0         ? std::string("a conversation must start with ") + words().asks
                                          : std::string(words().asks) + " and " + words().answers + " must alternate",
                    std::string(expected == Role::gpt ? words().either_answers : words().either_asks) + " in turn " +
                        std::to_string(number),
                    quoted(from));
    } else if (role == Role::human) {
      for (std::size_t at = 0; (at = value.find(image_mark, at)) != std::string::npos; at += image_mark.size())
        ++marks_;
      expects_answer_ = true, ++count_;
      c.turns.push_back({std::move(value), {}});
    } else {
      if (value.empty())
        fault_.refuse(path + "." + words().text, "RECORD-036", "no target tokens: the answer is empty", "a text",
                      "\"\"");
      expects_answer_ = false, ++count_;
      c.turns.back().answer = std::move(value);
    }
  }
};

}  // namespace vlt::data
