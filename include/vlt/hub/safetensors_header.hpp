#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>
#include <vlt/hub/stored_type.hpp>
#include <vlt/io/json.hpp>
#include <vlt/io/read_limits.hpp>
#include <vlt/io/silent_handler.hpp>

namespace vlt::hub {

// One tensor of a safetensors file. Offsets count bytes from the end of the header.
struct StoredTensor {
  std::string name;
  StoredType type = StoredType::f32;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;

  std::uint64_t size() const { return (end - begin) / std::uint64_t(facts(type).bytes); }
};

// "BF16 [176, 64]"
inline std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

struct SafetensorsHeader {
  std::vector<StoredTensor> tensors;  // sorted by name
  std::map<std::string, std::string> metadata;
};

namespace safetensors {

// Listens to the JSON parser and builds the list of tensors; no tree of values is made, and keys given twice are seen.
class HeaderHandler : public SilentHandler {
 public:
  HeaderHandler(std::string file, const ReadLimits& limits, Blame blame)
      : file_(std::move(file)), limits_(limits), blame_(blame) {}
  SafetensorsHeader take() { return std::move(header_); }

  bool on_object_begin(error&) {
    if (depth_ == 1 && !in_metadata_) begin_tensor();
    else if (depth_ != 0 && !(depth_ == 1 && in_metadata_)) unexpected("an object");
    ++depth_;
    return true;
  }
  bool on_object_end(std::size_t, error&) {
    if (--depth_ == 1 && !in_metadata_) end_tensor();
    if (depth_ == 1) in_metadata_ = false;
    return true;
  }
  bool on_array_begin(error&) {
    if (depth_ != 2 || in_metadata_ || (key_ != "shape" && key_ != "data_offsets")) unexpected("a list");
    ++depth_;
    return true;
  }
  bool on_array_end(std::size_t n, error&) {
    --depth_;
    if (key_ == "data_offsets" && n != 2)
      refuse("ST-015", "data_offsets is not a pair", "2 integers", std::to_string(n) + " of them");
    return true;
  }
  bool on_key_part(text s, std::size_t, error&) { return gather(s); }
  bool on_key(text s, std::size_t, error&) {
    gather(s);
    std::string key = std::exchange(partial_, {});
    if (depth_ == 1) {
      in_metadata_ = key == "__metadata__";
      name_ = std::move(key);
      if (in_metadata_ && std::exchange(metadata_seen_, true))
        refuse("ST-012", "a name occurs twice", {}, quoted(name_));
    } else {
      key_ = std::move(key);
      if (!in_metadata_) begin_key();
      else if (header_.metadata.contains(key_)) refuse("ST-012", "a metadata key occurs twice", {}, quoted(key_));
    }
    return true;
  }
  bool on_string_part(text s, std::size_t, error&) { return gather(s); }
  bool on_string(text s, std::size_t, error&) {
    gather(s);
    const std::string value = std::exchange(partial_, {});
    if (depth_ == 2 && in_metadata_) header_.metadata.emplace(key_, value);
    else if (depth_ == 2 && key_ == "dtype") set_type(value);
    else unexpected(quoted(value));
    return true;
  }
  bool on_int64(std::int64_t v, text, error&) {
    if (v < 0 && depth_ == 3) refuse("ST-017", key_ + " holds a negative number", "integers from 0", std::to_string(v));
    return number(std::uint64_t(v), std::to_string(v));
  }
  bool on_uint64(std::uint64_t v, text, error&) {
    if (depth_ == 3) refuse("ST-019", key_ + " holds a number that is too large", "below 2^63", std::to_string(v));
    return number(v, std::to_string(v));
  }
  bool on_double(double v, text, error&) {
    if (depth_ != 3) unexpected("a number");
    refuse("ST-018", key_ + " holds a number that must be an integer below 2^63", "an integer", std::to_string(v));
  }
  bool on_bool(bool, error&) { unexpected("true or false"); }
  bool on_null(error&) { unexpected("null"); }

 private:
  std::string file_, partial_, name_, key_;
  ReadLimits limits_;
  Blame blame_;
  SafetensorsHeader header_;
  StoredTensor tensor_;
  int depth_ = 0, offsets_ = 0;
  bool in_metadata_ = false, metadata_seen_ = false, has_type_ = false, has_shape_ = false, has_offsets_ = false;

  [[noreturn]] void refuse(const char* code, std::string what, std::string expected = {}, std::string found = {},
                           std::string help = {}) const {
    const std::string place = name_.empty() ? file_ : file_ + "  tensor " + quoted(name_);
    blame_.raise(Complaint(code, std::move(what))
                     .at(place)
                     .expected(std::move(expected))
                     .found(std::move(found))
                     .help(std::move(help)));
  }
  [[noreturn]] void refuse_beyond(const char* code, std::string what, const char* member, std::string most) const {
    refuse(code, std::move(what), std::move(most), "more", ReadLimits::raise(member));
  }
  [[noreturn]] void unexpected(const std::string& found) const {
    if (in_metadata_)
      refuse(depth_ < 2 ? "ST-026" : "ST-025", "__metadata__ is not an object of strings", "strings only", found);
    if (depth_ < 2) refuse("ST-028", "an entry of the header is not an object", "dtype, shape, data_offsets", found);
    refuse("ST-028", "key " + quoted(key_) + " has the wrong type", "dtype: string, shape and data_offsets: lists",
           found);
  }
  bool gather(text s) {
    partial_.append(s.data(), s.size());
    if (depth_ == 1 && Index(partial_.size()) > limits_.tensor_name_bytes)
      refuse_beyond("ST-027", "a tensor's name is too long", "tensor_name_bytes",
                    ReadLimits::at_most(limits_.tensor_name_bytes, " bytes"));
    return true;
  }
  void begin_tensor() {
    if (name_.find('\0') != name_.npos)
      refuse("ST-027", "a tensor's name holds NUL", "a name without NUL", quoted(name_));
    if (Index(header_.tensors.size()) >= limits_.tensors)
      refuse_beyond("ST-029", "too many tensors", "tensors", ReadLimits::at_most(limits_.tensors));
    tensor_ = {}, offsets_ = 0, has_type_ = has_shape_ = has_offsets_ = false;
  }
  void begin_key() {
    bool* seen = key_ == "dtype"          ? &has_type_
                 : key_ == "shape"        ? &has_shape_
                 : key_ == "data_offsets" ? &has_offsets_
                                          : nullptr;
    if (!seen) refuse("ST-028", "an unknown key", "dtype, shape, data_offsets", quoted(key_));
    if (std::exchange(*seen, true))
      refuse("ST-012", "key " + quoted(key_) + " occurs twice", "each key once", "it again");
  }
  void set_type(const std::string& name) {
    const auto type = stored_type_named(name);
    if (!type)
      refuse("ST-024", "dtype " + quoted(name) + " is unknown or not supported",
             "F32, F16, BF16, F64 or an integer type", quoted(name));
    tensor_.type = *type;
  }
  bool number(std::uint64_t v, const std::string& written) {
    if (depth_ != 3) unexpected(written);
    if (key_ == "shape") {
      if (Index(tensor_.shape.size()) >= limits_.tensor_rank)
        refuse_beyond("ST-022", "a shape has too many dimensions", "tensor_rank",
                      ReadLimits::at_most(limits_.tensor_rank));
      tensor_.shape.push_back(v);
    } else {
      if (offsets_ < 2) (offsets_ == 0 ? tensor_.begin : tensor_.end) = v;
      ++offsets_;
    }
    return true;
  }
  void end_tensor() {
    if (!has_type_ || !has_shape_ || !has_offsets_)
      refuse("ST-028",
             std::string("key ") +
                 (!has_type_    ? "dtype"
                  : !has_shape_ ? "shape"
                                : "data_offsets") +
                 " is missing",
             "dtype, shape, data_offsets", "an entry without it");
    if (tensor_.begin > tensor_.end)
      refuse("ST-016", "data_offsets begin after their end", "[begin, end], begin first",
             "[" + std::to_string(tensor_.begin) + ", " + std::to_string(tensor_.end) + "]");
    std::uint64_t bytes = std::uint64_t(facts(tensor_.type).bytes);
    for (const std::uint64_t d : tensor_.shape)
      if (__builtin_mul_overflow(bytes, d, &bytes))
        refuse("ST-021", "the number of elements overflows", "below 2^64 bytes", shape_text(tensor_.shape));
    if (bytes != tensor_.end - tensor_.begin)
      refuse("ST-023", "tensor data does not fill its declared range",
             std::string(facts(tensor_.type).name) + " " + shape_text(tensor_.shape) + " = " + std::to_string(bytes) +
                 " bytes",
             "data_offsets [" + std::to_string(tensor_.begin) + ", " + std::to_string(tensor_.end) +
                 "] = " + std::to_string(tensor_.end - tensor_.begin) + " bytes");
    tensor_.name = name_;
    header_.tensors.push_back(std::move(tensor_));
  }
};

inline std::string range_text(const StoredTensor& t) {
  return quoted(t.name) + " [" + std::to_string(t.begin) + ", " + std::to_string(t.end) + "]";
}

// The ranges must tile the data: no overlap, no hole, nothing behind the last one.
inline void check_tiling(const SafetensorsHeader& h, std::uint64_t data_bytes, const std::string& file, Blame blame) {
  std::vector<const StoredTensor*> order;
  order.reserve(h.tensors.size());
  for (const auto& t : h.tensors) order.push_back(&t);
  std::sort(order.begin(), order.end(), [](auto* a, auto* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->end != b->end ? a->end < b->end : a->name < b->name;
  });
  std::uint64_t at = 0;
  const StoredTensor* before = nullptr;
  for (const auto* t : order) {
    if (t->begin < at)
      blame.raise(Complaint("ST-013", "two tensors overlap")
                      .at(file)
                      .expected("each byte in one tensor")
                      .found(range_text(*before) + " and " + range_text(*t)));
    if (t->begin > at)
      blame.raise(Complaint("ST-014", "there is a hole between tensors")
                      .at(file)
                      .expected("data from byte " + std::to_string(at))
                      .found(range_text(*t)));
    at = t->end, before = t;
  }
  if (at > data_bytes)
    blame.raise(Complaint("ST-031", "the file is shorter than its header says")
                    .at(file)
                    .expected(std::to_string(at) + " bytes of tensors")
                    .found(std::to_string(data_bytes))
                    .help("the download was cut off: fetch the file again"));
  if (at < data_bytes)
    blame.raise(Complaint("ST-015", "there are bytes behind the last tensor")
                    .at(file)
                    .expected(std::to_string(at) + " bytes of tensors")
                    .found(std::to_string(data_bytes)));
}

}  // namespace safetensors

// Parses the JSON of a header (what follows the 8 bytes of its length) for a file with that many bytes of data.
inline SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes,
                                                  const std::string& file, Blame blame = blame_model,
                                                  const ReadLimits& limits = {}) {
  const std::string name = file + " (header)";
  const auto broken = [&](const char* number, std::size_t at, std::string what) {
    blame.raise(Complaint(number, std::move(what))
                    .at(line_and_column(text, at, name))
                    .expected("a JSON object")
                    .found(at < text.size() ? quoted(text.substr(at, 20)) : "the end of the header")
                    .help("the file is damaged: fetch it again"));
  };
  if (text.empty() || text.front() != '{') broken("ST-007", 0, "the header does not begin with {");
  boost::json::parse_options options;
  options.max_depth = 8;
  boost::json::basic_parser<safetensors::HeaderHandler> parser(options, file, limits, blame);
  boost::json::error_code problem;
  std::size_t used = parser.write_some(false, text.data(), text.size(), problem);
  const std::size_t next = text.find_first_not_of(" \t\r\n", used);
  if (!problem && next != text.npos) problem = boost::json::error::extra_data, used = next;
  if (problem) broken("ST-009", std::min(used, text.size()), "the header is not JSON: " + problem.message());

  SafetensorsHeader header = parser.handler().take();
  std::sort(header.tensors.begin(), header.tensors.end(), [](auto& a, auto& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < header.tensors.size(); ++i)
    if (header.tensors[i].name == header.tensors[i - 1].name)
      blame.raise(Complaint("ST-012", "a tensor's name occurs twice")
                      .at(file)
                      .expected("each name once")
                      .found(quoted(header.tensors[i].name)));
  safetensors::check_tiling(header, data_bytes, file, blame);
  return header;
}

}  // namespace vlt::hub
