#pragma once
#include <cstdint>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vlt/io/crc32c.hpp>
#include <vlt/io/protobuf_writer.hpp>
#include <vlt/io/write_file.hpp>

namespace vlt::report {

// The check sum of a TFRecord file: that of its own bytes, turned, so that check sums of what holds check sums differ.
inline std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

// A file of records as TensorFlow frames them: length, check sum of the length, bytes, check sum of the bytes. Each
// record reaches the system before the call returns; of one that fails nothing stays. WRITE-LOG-001 for that.
class RecordFile {
 public:
  // A new file. what: what messages call its contents.
  RecordFile(std::string path, std::string what) : path_(std::move(path)), what_(std::move(what)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail();
  }
  ~RecordFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  void add(std::string_view bytes) {
    const std::string length = little_endian(bytes.size(), 8);
    std::string record = length + little_endian(masked_crc(length), 4);
    record += bytes;
    record += little_endian(masked_crc(bytes), 4);
    for (std::size_t done = 0; done < record.size();) {
      const ::ssize_t n = ::pwrite(descriptor_, record.data() + done, record.size() - done, ::off_t(size_ + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail();
      done += std::size_t(n);
    }
    size_ += record.size();
  }

 private:
  std::string path_, what_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;  // of the records that are whole

  [[noreturn]] void fail() {
    const int reason = errno;
    if (descriptor_ >= 0) [[maybe_unused]]
      const int unused = ::ftruncate(descriptor_, ::off_t(size_));
    throw Error(ExitCode::write, Complaint("WRITE-LOG-001", what_ + " cannot be written")
                                     .at(path_)
                                     .expected("a file that can be written")
                                     .found(errno_text(reason))
                                     .help("see that the folder is writable and that its disk has room"));
  }
};

// Calls f(bytes) for the records of a file up to the first that is not whole.
template <class F> void for_each_record(const std::string& path, F&& f) {
  static constexpr std::uint64_t longest = 1 << 30;
  std::ifstream in(path, std::ios::binary);
  std::string head(12, '\0'), record;
  const auto number = [](std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  };
  while (in.read(head.data(), std::streamsize(head.size()))) {
    const std::string_view all = head;
    const std::uint64_t length = number(all.substr(0, 8));
    if (number(all.substr(8)) != masked_crc(all.substr(0, 8)) || length > longest) return;
    record.resize(std::size_t(length) + 4);
    if (!in.read(record.data(), std::streamsize(record.size()))) return;
    const std::string_view bytes = std::string_view(record).substr(0, std::size_t(length));
    if (number(std::string_view(record).substr(bytes.size())) != masked_crc(bytes)) return;
    f(bytes);
  }
}

}  // namespace vlt::report
