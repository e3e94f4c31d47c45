#pragma once
#include <cmath>
#include <span>
#include <vlt/hub/safetensors_header.hpp>
#include <vlt/io/file.hpp>

namespace vlt::hub {

// A safetensors file that is open for reading. Opening reads the header only and checks all of it.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(File file, const ReadLimits& limits = {}) : file_(std::move(file)) {
    const std::uint64_t length = header_length(limits);
    std::string text(std::size_t(length), '\0');
    file_.read(8, text.data(), text.size());
    data_ = 8 + length;
    header_ = parse_safetensors_header(text, file_.size() - data_, file_.name(), file_.blame(), limits);
  }

  const std::string& name() const { return file_.name(); }
  Blame blame() const { return file_.blame(); }
  const std::vector<StoredTensor>& tensors() const { return header_.tensors; }  // sorted by name
  const std::map<std::string, std::string>& metadata() const { return header_.metadata; }
  const StoredTensor* find(std::string_view name) const {
    const auto at = std::lower_bound(header_.tensors.begin(), header_.tensors.end(), name,
                                     [](const StoredTensor& t, std::string_view n) { return t.name < n; });
    return at != header_.tensors.end() && at->name == name ? &*at : nullptr;
  }

  // Elements [first, first + to.size()) of a tensor as floats. Throws ST-024 if its type is not a real one.
  void read(const StoredTensor& t, std::uint64_t first, std::span<float> to) const {
    if (!facts(t.type).real)
      blame().raise(Complaint("ST-024", "a weight has a type that is not supported")
                        .at(name() + "  tensor " + quoted(t.name))
                        .expected("F32, F16, BF16 or F64")
                        .found(std::string(facts(t.type).name)));
    const auto width = std::size_t(facts(t.type).bytes);
    require(first + to.size() <= t.size(), "safetensors: elements outside the tensor");
    std::vector<char> raw(std::min<std::size_t>(to.size(), chunk) * width);
    for (std::size_t at = 0; at < to.size(); at += chunk) {
      const auto part = to.subspan(at, std::min(chunk, to.size() - at));
      read_bytes(t, (first + at) * width, std::span(raw).first(part.size() * width));
      to_floats(t.type, raw.data(), part);
    }
  }
  // Bytes of a tensor as they are stored.
  void read_bytes(const StoredTensor& t, std::uint64_t first, std::span<char> to) const {
    file_.read(data_ + t.begin + first, to.data(), to.size());
  }

 private:
  static constexpr std::size_t chunk = 1 << 16;  // elements converted at a time
  File file_;
  std::uint64_t data_ = 0;
  SafetensorsHeader header_;

  [[noreturn]] void refuse(const char* code, std::string what, std::string expected, std::string found,
                           std::string help = "the file is damaged: fetch it again") const {
    blame().raise(Complaint(code, std::move(what))
                      .at(name())
                      .expected(std::move(expected))
                      .found(std::move(found))
                      .help(std::move(help)));
  }
  std::uint64_t header_length(const ReadLimits& limits) const {
    char first[16] = {};
    file_.read(0, first, std::size_t(std::min<std::uint64_t>(file_.size(), 16)));
    const std::string_view start(first, sizeof first);
    // Lengths such as 640 and 1152 begin as a pickle does; what follows a length is an object.
    if (start[8] != '{' &&
        (start.starts_with("PK\x03\x04") || start.starts_with("\x80\x02") || start.starts_with("\x80\x04")))
      refuse("ST-032", "this is a PyTorch pickle, which is never loaded", "safetensors", "a zip or pickle file",
             "convert it with safetensors.torch.save_file in a place where you trust it");
    if (start.starts_with("version https:/"))
      refuse("ST-033", "this is a Git LFS pointer, not the file it points to", "safetensors", "a text of a few lines",
             "run: git lfs pull");
    if (start.starts_with("<!DOCTYPE") || start.starts_with("<!doctype") || start.starts_with("<html"))
      refuse("ST-034", "this is a web page, perhaps a download's error message", "safetensors", "HTML",
             "download the file again, signed in if that is needed");
    if (file_.size() < 8)
      refuse("ST-001", "the header length needs 8 bytes, file has " + std::to_string(file_.size()), "safetensors",
             file_.size() == 0 ? "an empty file" : std::to_string(file_.size()) + " bytes");
    std::uint64_t n = 0;
    for (int i = 7; i >= 0; --i) n = n << 8 | static_cast<unsigned char>(first[i]);
    if (n == 0) refuse("ST-003", "the header is empty", "a JSON object", "a header length of 0");
    if (n > std::uint64_t(limits.header_bytes))
      refuse("ST-006", "the header is too long", ReadLimits::at_most(limits.header_bytes, " bytes"), std::to_string(n),
             ReadLimits::raise("header_bytes"));
    if (n > file_.size() - 8)
      refuse("ST-005", "the file ends inside its header", "expected " + std::to_string(n + 8) + " bytes",
             "file has " + std::to_string(file_.size()));
    return n;
  }
};

// The first number that is not finite, if there is one.
inline std::optional<std::size_t> first_not_finite(std::span<const float> numbers) {
  std::uint32_t largest = 0;  // magnitude as bits: infinity and NaN are the largest; no branch in the usual case
  for (const float x : numbers) largest = std::max(largest, std::bit_cast<std::uint32_t>(x) & 0x7fffffff);
  if (largest < 0x7f800000) return std::nullopt;
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (!std::isfinite(numbers[i])) return i;
  return std::nullopt;
}

}  // namespace vlt::hub
