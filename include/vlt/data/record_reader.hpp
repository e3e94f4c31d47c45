#pragma once
#include <map>
#include <vlt/base/ascii.hpp>
#include <vlt/base/nearest.hpp>
#include <vlt/data/turn_reader.hpp>

namespace vlt::data {

// Reads one record where a scanner stands, in any of its forms. A value of the wrong form makes the record bad, not the
// file: the rest of the record is skipped and the first fault is told. Extra keys are ignored.
class RecordReader {
 public:
  RecordReader(JsonScanner& scanner, const RecordLimits& limits)
      : in_(scanner), limits_(limits), fault_(scanner, limits), turns_(scanner, limits, fault_) {}

  // The record, or why it is none. `record.place` must be set. The next value must be an object.
  std::optional<RecordFault> read(Record& record) {
    r_ = &record, fault_.begin(record.place), turns_.begin(record.conversation);
    keys_.clear(), near_miss_.clear(), alpaca_ = {}, form_ = RecordForm::unknown;
    image_ = Image::absent, images_ = 0, has_id_ = false;
    in_.object([&](const std::string& key) {
      remember(key);
      if (key == "id") id();
      else if (key == "image") image(key);
      else if (key == "conversations") turns(RecordForm::conversations);
      else if (key == "messages") turns(RecordForm::messages);
      else if (key == "images") several(key);
      else if (key == "instruction" || key == "input" || key == "output" || key == "system") alpaca_.text(*this, key);
      else if (key == "history") alpaca_.history(*this);
      else extra(key);
    });
    fault_.refuse_if_long();
    check();
    if (!fault_) return std::nullopt;
    return fault_.told(record);
  }
  // How the last record, good or bad, held its conversation.
  RecordForm form() const { return form_; }

 private:
  enum class Image { absent, null, named };
  // What an alpaca record may say, kept until it is known to be one.
  struct Alpaca {
    std::map<std::string, std::string> texts;
    std::string wrong;                                        // the first key whose value is no text
    std::vector<std::pair<std::string, std::string>> before;  // earlier questions and answers
    bool wrong_history = false;

    void text(RecordReader& r, const std::string& key) {
      if (r.in_.kind() == JsonScanner::Kind::string) return r.fault_.text(texts[key], "." + key);
      if (r.in_.kind() != JsonScanner::Kind::null && wrong.empty()) wrong = key;
      r.in_.skip();
    }
    void history(RecordReader& r) {
      const auto kind = r.in_.kind();
      if (kind != JsonScanner::Kind::list) {
        wrong_history = kind != JsonScanner::Kind::null;
        return r.in_.skip();
      }
      r.in_.list([&] {
        if (r.in_.kind() != JsonScanner::Kind::list) return wrong_history = true, r.in_.skip();
        std::vector<std::string> pair;
        r.in_.list([&] {
          if (r.in_.kind() != JsonScanner::Kind::string) return wrong_history = true, r.in_.skip();
          r.fault_.text(pair.emplace_back(), ".history");
        });
        if (pair.size() == 2) before.emplace_back(std::move(pair[0]), std::move(pair[1]));
        else wrong_history = true;
      });
    }
  };

  JsonScanner& in_;
  const RecordLimits& limits_;
  FirstFault fault_;
  TurnReader turns_;
  Record* r_ = nullptr;
  RecordForm form_ = RecordForm::unknown;
  Alpaca alpaca_;
  std::map<std::string, std::uint64_t> keys_;
  Image image_ = Image::absent;
  Index images_ = 0;  // names seen, stored or not
  std::string near_miss_;
  bool has_id_ = false;

  void remember(const std::string& key) {
    const auto [first, fresh] = keys_.emplace(key, in_.key_offset());
    if (!fresh)
      fault_.refuse("." + key, "RECORD-021", "key " + quoted(key) + " stands twice in one record", "each key once",
                    "at byte " + std::to_string(first->second) + " and at byte " + std::to_string(in_.key_offset()));
    if (Index(keys_.size()) > limits_.keys) {
      fault_.refuse({}, "RECORD-022", "the record has too many keys", "at most " + std::to_string(limits_.keys),
                    "more");
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
      return fault_.refuse_kind(".id", "RECORD-025", "`id` is neither text nor a number", "a string or a number", kind);
    }
    if (bytes <= std::size_t(limits_.id_bytes)) return;
    r_->id.resize(40);
    fault_.refuse(".id", "RECORD-025", "`id` is too long", "at most " + std::to_string(limits_.id_bytes) + " bytes",
                  "more bytes than that");
  }

  void image(const std::string& key) {
    static constexpr const char* expected = "a file name, a list of file names, or null";
    r_->images.clear(), images_ = 0, image_ = Image::named;
    switch (const auto kind = in_.kind()) {
      case JsonScanner::Kind::null:
        image_ = Image::null;
        return in_.skip();
      case JsonScanner::Kind::string:
        return name("." + key);
      case JsonScanner::Kind::list:
        names(key);
        if (images_ == 0)
          fault_.refuse("." + key, "RECORD-027", "`" + key + "` is an empty list", expected, "[]",
                        "use null for a text-only record");
        return;
      default:
        return fault_.refuse_kind("." + key, "RECORD-027", "`" + key + "` is no file name", expected, kind);
    }
  }
  // The key of other forms, where an empty list means no picture. A record of LLaVA's form says `image`.
  void several(const std::string& key) {
    if (near_miss_.empty()) near_miss_ = key;
    if (image_ != Image::absent) return in_.skip();
    if (in_.kind() != JsonScanner::Kind::list) return image(key);
    image_ = Image::named;
    names(key);
    if (images_ == 0) image_ = Image::null;
  }
  void names(const std::string& key) {
    in_.list([&] {
      const std::string path = "." + key + "[" + std::to_string(images_) + "]";
      const auto kind = in_.kind();
      if (kind == JsonScanner::Kind::string) return name(path);
      if (kind == JsonScanner::Kind::object && key == "images")
        return in_.object([&](const std::string& member) {
          if (member == "path" && in_.kind() == JsonScanner::Kind::string) name(path + ".path");
          else in_.skip();
        });
      fault_.refuse_kind(path, "RECORD-027", "an image name is no text", "a file name", kind);
    });
  }
  void name(const std::string& path) {
    ++images_;
    std::string text;
    fault_.image_name(text, path);
    if (images_ <= limits_.images && !fault_) r_->images.push_back(std::move(text));
  }

  void extra(const std::string& key) {
    static constexpr std::string_view known[] = {"picture",     "pictures",   "photo",       "image_path",
                                                 "image_paths", "image_file", "image_files", "image_name"};
    const std::string lower = ascii_lower(key);
    const bool alike = lower.starts_with("i") && lower.size() < 9 &&
                       std::min(edit_distance(lower, "image", 3), edit_distance(lower, "images", 2)) <= 2;
    if (near_miss_.empty() && (alike || std::find(std::begin(known), std::end(known), lower) != std::end(known)))
      near_miss_ = key;
    in_.skip();
  }

  void turns(RecordForm form) {
    if (form_ != RecordForm::unknown)
      fault_.refuse({}, "RECORD-039", "the record holds two conversations", "`conversations` or `messages`", "both");
    form_ = form;
    turns_.list(form);
  }

  // What can only be said when the whole record is known.
  void check() {
    if (form_ == RecordForm::unknown && alpaca_.texts.contains("instruction")) alpaca();
    if (form_ == RecordForm::unknown)
      fault_.refuse(".conversations", "RECORD-030", "`conversations` is missing",
                    "a list of turns (`messages`, or `instruction` and `output`, will do as well)", "no such key");
    else if (const auto text = alpaca_.texts.find("system");
             text != alpaca_.texts.end() && !r_->conversation.has_system)
      if (!text->second.empty()) r_->conversation.has_system = true, r_->conversation.system = text->second;
    take_pictures_of_parts();
    check_images();
    if (!has_id_) r_->id = std::to_string(r_->place.index);
    r_->conversation.images = r_->images.size();
  }
  void alpaca() {
    form_ = RecordForm::alpaca;
    if (!alpaca_.wrong.empty())
      fault_.refuse("." + alpaca_.wrong, "RECORD-035", "`" + alpaca_.wrong + "` is no text", "a string",
                    "another value");
    if (alpaca_.wrong_history)
      fault_.refuse(".history", "RECORD-035", "`history` is no list of questions and answers",
                    "[[\"question\", \"answer\"], ...]", "another value");
    if (!alpaca_.texts.contains("output"))
      fault_.refuse(".output", "RECORD-035", "`output` is missing", "a string", "no such key");
    if (fault_) return;
    for (auto& [question, answer] : alpaca_.before) turns_.pair(std::move(question), std::move(answer), ".history");
    const std::string& input = alpaca_.texts["input"];
    turns_.pair(alpaca_.texts["instruction"] + (input.empty() ? "" : "\n" + input), alpaca_.texts["output"], {});
  }
  void take_pictures_of_parts() {
    if (turns_.pictures().empty()) return;
    if (images_ > 0 || turns_.open_pictures() > 0)
      fault_.refuse(".messages", "IMG-004", "only some pictures are named where they stand",
                    "a name in every part that is a picture, or all names in `images`",
                    std::to_string(turns_.pictures().size()) + " parts with a name, " +
                        std::to_string(turns_.open_pictures()) + " without, " + std::to_string(images_) +
                        " in `images`");
    images_ = Index(turns_.pictures().size()), image_ = Image::named;
    if (images_ <= limits_.images) r_->images = turns_.pictures();
  }
  void check_images() {
    // LLaVA's form names its records, and its key is `image`.
    const bool misspelt =
        !near_miss_.empty() && (near_miss_ != "images" || (form_ == RecordForm::conversations && has_id_));
    if (misspelt && near_miss_ == "images" && !keys_.contains("image")) image_ = Image::absent;
    if (image_ == Image::absent && (turns_.mentions_mark() || misspelt))
      fault_.refuse(".image", "RECORD-026", "missing `image`", "a file name, a list of file names, or null",
                    misspelt ? "key " + quoted(near_miss_) : "a text that mentions <image>",
                    misspelt ? "use null for text-only; did you mean `image` by " + quoted(near_miss_) + "?"
                             : "use null for text-only");
    if (images_ > limits_.images)
      fault_.refuse(".image", "RECORD-029", "too many images", "at most " + std::to_string(limits_.images),
                    std::to_string(images_), "raise --max_num_image_per_sample");
    if (turns_.marks() != 0 && Index(turns_.marks()) != images_)
      fault_.refuse("." + std::string(vlt::data::name(form_)), "IMG-004", "image count does not match `<image>` marks",
                    std::to_string(images_) + (images_ == 1 ? " mark" : " marks") + ", because `image` " + listed() +
                        " (or no mark at all)",
                    std::to_string(turns_.marks()) + (turns_.marks() == 1 ? " mark" : " marks"),
                    "write one <image> for each file in `image`");
  }
  std::string listed() const {
    return image_ == Image::null ? "is null" : "lists " + std::to_string(images_) + (images_ == 1 ? " file" : " files");
  }
};

}  // namespace vlt::data
