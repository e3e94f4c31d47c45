#pragma once
#include <span>
#include <vlt/hub/safetensors_header.hpp>
#include <vlt/io/write_file.hpp>

namespace vlt::hub {

// A tensor that is going to be written.
struct TensorPlan {
  std::string name;
  StoredType type = StoredType::f32;
  std::vector<std::uint64_t> shape;

  std::uint64_t size() const {
    std::uint64_t n = 1;
    for (const std::uint64_t d : shape) n *= d;
    return n;
  }
  std::uint64_t bytes() const { return size() * std::uint64_t(facts(type).bytes); }
};

// Writes one safetensors file. The header comes from the list; then the tensors' numbers are appended in its order, as
// many or as few at a time as is convenient. Nothing is visible before commit().
class SafetensorsWriter {
 public:
  SafetensorsWriter(std::string path, std::vector<TensorPlan> tensors)
      : tensors_(std::move(tensors)), file_(std::move(path), total(tensors_)) {
    boost::json::object header;
    header["__metadata__"] = {{"format", "pt"}};
    std::uint64_t at = 0;
    for (const TensorPlan& t : tensors_) {
      require(facts(t.type).bytes > 0 && !header.contains(t.name), "safetensors: a name occurs twice: " + t.name);
      header[t.name] = {{"dtype", facts(t.type).name},
                        {"shape", boost::json::array(t.shape.begin(), t.shape.end())},
                        {"data_offsets", {at, at + t.bytes()}}};
      at += t.bytes();
    }
    std::string text = boost::json::serialize(header);
    text.resize((text.size() + 7) / 8 * 8, ' ');
    char length[8];
    for (int i = 0; i < 8; ++i) length[i] = char(text.size() >> (8 * i) & 0xff);
    file_.write(length, sizeof length);
    file_.write(text);
  }

  // The next numbers, converted to their tensor's type. A call never crosses into the next tensor.
  void append(std::span<const float> numbers) {
    const TensorPlan& t = current();
    buffer_.resize(numbers.size() * std::size_t(facts(t.type).bytes));
    from_floats(t.type, numbers, buffer_.data());
    append_bytes(buffer_);
  }
  // The next bytes, already as they are stored.
  void append_bytes(std::span<const char> bytes) {
    const TensorPlan& t = current();
    require(written_ + bytes.size() <= t.bytes(), "safetensors: more numbers than tensor " + t.name + " has");
    file_.write(bytes.data(), bytes.size());
    written_ += bytes.size();
    if (written_ == t.bytes()) ++next_, written_ = 0;
  }
  void commit() {
    while (next_ < tensors_.size() && tensors_[next_].bytes() == 0) ++next_;
    require(next_ == tensors_.size(), "safetensors: not every tensor was written");
    file_.commit();
  }

 private:
  std::vector<TensorPlan> tensors_;
  FileWriter file_;
  std::vector<char> buffer_;
  std::size_t next_ = 0;
  std::uint64_t written_ = 0;

  const TensorPlan& current() {
    while (next_ < tensors_.size() && tensors_[next_].bytes() == 0) ++next_;
    require(next_ < tensors_.size(), "safetensors: every tensor was written already");
    return tensors_[next_];
  }
  static std::uint64_t total(const std::vector<TensorPlan>& tensors) {
    std::uint64_t n = 0;
    for (const auto& t : tensors) n += t.bytes();
    return n;
  }
};

// Cuts a list into files of at most `limit` bytes (a larger tensor has a file of its own) and keeps its order.
inline std::vector<std::vector<TensorPlan>> plan_shards(const std::vector<TensorPlan>& tensors, std::uint64_t limit) {
  std::vector<std::vector<TensorPlan>> shards(1);
  std::uint64_t bytes = 0;
  for (const TensorPlan& t : tensors) {
    if (!shards.back().empty() && bytes + t.bytes() > limit) shards.emplace_back(), bytes = 0;
    shards.back().push_back(t), bytes += t.bytes();
  }
  return shards;
}

}  // namespace vlt::hub
