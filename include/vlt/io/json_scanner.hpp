#pragma once
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>
#include <vlt/base/quoted.hpp>
#include <vlt/base/utf8.hpp>
#include <vlt/io/blame.hpp>

namespace vlt {

// A place in a text file; line and column count from 1, columns in bytes.
struct TextPlace {
  std::uint64_t offset = 0;
  std::uint64_t line = 1, column = 1;
};

// Reads strict JSON (RFC 8259) from a stream, value by value, as its caller asks for it: nothing is stored but what the
// caller wants, and every mistake has its place. A mistake is the end: the file is no JSON.
class JsonScanner {
 public:
  enum class Kind { object, list, string, number, boolean, null, end };
  // Fills at most that many bytes and says how many; 0 at the end of the file.
  using Source = std::function<std::size_t(char*, std::size_t)>;

  JsonScanner(Source source, std::string name, int max_depth, std::size_t window = 1 << 16, Blame blame = blame_data)
      : source_(std::move(source)),
        name_(std::move(name)),
        max_depth_(max_depth),
        blame_(blame),
        window_(window, char()) {}
  // Of a text in memory, which must stay.
  JsonScanner(std::string_view text, std::string name, int max_depth, Blame blame = blame_data)
      : JsonScanner(source_of(text), std::move(name), max_depth, 1 << 16, blame) {}

  const std::string& name() const { return name_; }

  // The next byte, or -1 at the end; it stays where it is.
  int peek() { return at_ < end_ || refill() ? static_cast<unsigned char>(window_[at_]) : -1; }
  int take() {
    const int c = peek();
    if (c >= 0) ++at_;
    return c;
  }
  void skip_blanks() {
    for (int c; (c = peek()) == ' ' || c == '\t' || c == '\r' || c == '\n'; ++at_)
      if (c == '\n') ++line_, line_begin_ = offset() + 1;
  }
  std::uint64_t offset() const { return before_ + at_; }
  std::uint64_t key_offset() const { return key_at_; }  // where the last key began
  TextPlace place() const { return {offset(), line_, offset() - line_begin_ + 1}; }
  static std::string text_of(const std::string& name, const TextPlace& p) {
    return name + ":" + std::to_string(p.line) + ":" + std::to_string(p.column);
  }

  // What comes next, after blanks.
  Kind kind() {
    skip_blanks();
    switch (const int c = peek()) {
      case -1:
        return Kind::end;
      case '{':
        return Kind::object;
      case '[':
        return Kind::list;
      case '"':
        return Kind::string;
      case 't':
      case 'f':
        return Kind::boolean;
      case 'n':
        return Kind::null;
      default:
        if (c == '-' || (c >= '0' && c <= '9')) return Kind::number;
        refuse_value();
    }
  }
  static const char* name_of(Kind k) {
    static constexpr const char* names[] = {"object", "list", "string", "number", "boolean", "null", "nothing"};
    return names[int(k)];
  }

  // Calls member(key) for each member, which must consume the value; of a very long key the beginning is given.
  static constexpr std::size_t longest_key = 4096;
  template <class F> void object(F&& member) {
    open();
    for (bool first = true; more('}', first); first = false) {
      if (peek() != '"') refuse_key();
      std::string key;
      key_at_ = offset();
      string(key, longest_key);
      skip_blanks();
      if (peek() != ':') refuse("a colon is missing after a key", "`:`");
      ++at_;
      member(key);
    }
    inside_.pop_back();
  }
  // Calls element() for each element, which must consume it.
  template <class F> void list(F&& element) {
    open();
    for (bool first = true; more(']', first); first = false) element();
    inside_.pop_back();
  }
  // Appends at most `limit` bytes to `out`; returns how many bytes the string has.
  std::size_t string(std::string& out, std::size_t limit = std::size_t(-1)) {
    std::size_t total = 0;
    const auto put = [&](const char* s, std::size_t n) {
      if (total < limit) out.append(s, std::min(n, limit - total));
      total += n;
    };
    inside_.push_back('"');
    for (++at_;;) {
      const int c = peek();
      const char* run = window_.data() + at_;
      if (const std::size_t plain = plain_run(); plain > 0) {
        put(run, plain);
        at_ += plain;
      } else if (c == '"') {
        ++at_;
        inside_.pop_back();
        return total;
      } else {
        std::string one;
        if (c == '\\') escape(one);
        else if (c >= 0x80) character(one);
        else if (c < 0) refuse_end();
        else refuse("a control character stands in a string", "an escape such as \\n");
        put(one.data(), one.size());
      }
    }
  }
  // A number, as it is written; at most `limit` bytes are kept.
  void number(std::string& out, std::size_t limit = std::size_t(-1)) {
    const auto keep = [&] { out.size() < limit ? out.push_back(char(take())) : void(take()); };
    const auto digits = [&] {
      if (peek() < '0' || peek() > '9') refuse("a digit is missing in a number", "a digit");
      while (peek() >= '0' && peek() <= '9') keep();
    };
    if (peek() == '-') keep();
    if (peek() == 'I') refuse_value();
    if (peek() == '0') keep();
    else digits();
    if (peek() == '.') keep(), digits();
    if (peek() == 'e' || peek() == 'E') {
      keep();
      if (peek() == '+' || peek() == '-') keep();
      digits();
    }
  }
  // Consumes any value.
  void skip() {
    std::string unused;
    switch (kind()) {
      case Kind::object:
        return object([&](const std::string&) { skip(); });
      case Kind::list:
        return list([&] { skip(); });
      case Kind::string:
        return void(string(unused, 0));
      case Kind::number:
        return number(unused, 0);
      default:
        return word();
    }
  }

  [[noreturn]] void refuse(const std::string& what, const std::string& expected, std::string help = {},
                           const char* code = "JSON-009") {
    if (peek() < 0) refuse_end();
    blame_.raise(
        Complaint(code, what).at(text_of(name_, place())).expected(expected).found(next_text()).help(std::move(help)));
  }
  [[noreturn]] void refuse_end() const {
    const char* what = inside_.empty()         ? "the file ended where a value should be"
                       : inside_.back() == '{' ? "the file ended inside an object"
                       : inside_.back() == '[' ? "the file ended inside a list"
                                               : "the file ended inside a string";
    blame_.raise(Complaint("JSON-008", what)
                     .at(text_of(name_, place()))
                     .expected(inside_.empty() ? "a value" : "what closes it")
                     .found("the end of the file")
                     .help("the file was cut off; copy it again"));
  }

 private:
  Source source_;
  std::string name_;
  int max_depth_;
  Blame blame_;
  std::string window_;  // bytes [before_, before_ + end_) of the file
  std::size_t at_ = 0, end_ = 0;
  std::uint64_t before_ = 0, line_ = 1, line_begin_ = 0, key_at_ = 0;
  std::vector<char> inside_;  // '{', '[' or '"': what is open

  static Source source_of(std::string_view text) {
    return [text](char* to, std::size_t most) mutable {
      const std::size_t n = text.copy(to, most);
      text.remove_prefix(n);
      return n;
    };
  }
  bool refill() {
    before_ += end_, at_ = 0;
    end_ = source_(window_.data(), window_.size());
    return end_ > 0;
  }
  std::size_t plain_run() const {
    std::size_t n = at_;
    while (n < end_ && static_cast<unsigned char>(window_[n]) >= 0x20 &&
           static_cast<unsigned char>(window_[n]) < 0x80 && window_[n] != '"' && window_[n] != '\\')
      ++n;
    return n - at_;
  }
  void open() {
    if (int(inside_.size()) >= max_depth_)
      refuse("nesting deeper than " + std::to_string(max_depth_),
             "at most " + std::to_string(max_depth_) + " levels of lists and objects", "raise --limit_json_depth",
             "JSON-017");
    inside_.push_back(char(take()));
  }
  // Is there another member or element? Consumes the comma before it or the end.
  bool more(char close, bool first) {
    skip_blanks();
    if (peek() == close) return ++at_, false;
    if (first) return true;
    if (peek() != ',') {
      if (peek() == '/' || peek() == '#') refuse_value();
      refuse("a comma is missing", std::string("`,` or `") + close + "`");
    }
    const TextPlace comma = place();
    ++at_;
    skip_blanks();
    if (peek() != close) return true;
    blame_.raise(Complaint("JSON-010", "a comma with nothing behind it")
                     .at(text_of(name_, comma))
                     .expected("another value, or no comma")
                     .found(std::string("`,` before `") + close + "`")
                     .help("remove the comma"));
  }
  void word() {
    const std::string_view expected = peek() == 't' ? "true" : peek() == 'f' ? "false" : "null";
    for (const char c : expected) {
      if (peek() != c) refuse("no JSON value", "`" + std::string(expected) + "`");
      ++at_;
    }
  }
  [[noreturn]] void refuse_key() {
    if (peek() == '\'')
      refuse("strings need double quotes", "`\"`", "write the file with json.dump, not with str()", "JSON-020");
    if (peek() == '/' || peek() == '#') refuse_value();
    refuse("a key is missing", "a key in double quotes");
  }
  [[noreturn]] void refuse_value() {
    switch (peek()) {
      case '\'':
        refuse("strings need double quotes", "`\"`", "write the file with json.dump, not with str()", "JSON-020");
      case '/':
      case '#':
        refuse("a comment: JSON has none", "a value", "remove the comment", "JSON-011");
      case 'N':
      case 'I':
        refuse("NaN, Infinity and None are not JSON", "a value", "write null or a number", "JSON-018");
      default:
        refuse("no JSON value", "an object, a list, a string in double quotes, a number, true, false or null");
    }
  }
  // The next character or word, for a message.
  std::string next_text() {
    std::string text;
    std::size_t n = at_;
    for (; n < end_ && n < at_ + 20 && std::isalnum(static_cast<unsigned char>(window_[n])); ++n) text += window_[n];
    if (text.empty())
      text = std::string(window_, at_, std::size_t(std::max(1, utf8::valid_length({window_.data(), end_}, at_))));
    return quoted(text);
  }

  void escape(std::string& out) {
    ++at_;
    const int c = peek();
    const std::size_t simple = c < 0 ? std::string_view::npos : std::string_view("\"\\/bfnrt").find(char(c));
    if (simple != std::string_view::npos) {
      out.push_back("\"\\/\b\f\n\r\t"[simple]);
      ++at_;
      return;
    }
    if (c != 'u') refuse("an unknown escape in a string", "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    ++at_;
    std::uint32_t code = hex4();
    if (code >= 0xDC00 && code < 0xE000) refuse_surrogate();
    if (code >= 0xD800 && code < 0xDC00) {
      if (peek() != '\\') refuse_surrogate();
      ++at_;
      if (peek() != 'u') refuse_surrogate();
      ++at_;
      const std::uint32_t low = hex4();
      if (low < 0xDC00 || low >= 0xE000) refuse_surrogate();
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    utf8::append(out, code);
  }
  std::uint32_t hex4() {
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const int c = peek(), lower = c | 0x20;
      const int digit = c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
      if (c < 0 || digit < 0) refuse("\\u needs four hexadecimal digits", "0-9 or a-f");
      code = code << 4 | std::uint32_t(digit);
    }
    return code;
  }
  [[noreturn]] void refuse_surrogate() {
    refuse("invalid UTF-16: half of a surrogate pair", "\\ud800-\\udbff followed by \\udc00-\\udfff", {}, "JSON-015");
  }
  void character(std::string& out) {
    const TextPlace begin = place();
    const int lead = take();
    out.push_back(char(lead));
    const int bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    while (int(out.size()) < bytes && peek() >= 0x80 && peek() < 0xC0) out.push_back(char(take()));
    if (utf8::valid_length(out, 0) == int(out.size())) return;
    blame_.raise(Complaint("JSON-014", "invalid UTF-8 in a string")
                     .at(text_of(name_, begin) + " @ byte " + std::to_string(begin.offset))
                     .expected("UTF-8")
                     .found(quoted(out))
                     .help("convert the file to UTF-8"));
  }
};

}  // namespace vlt
