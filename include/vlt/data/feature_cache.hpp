#pragma once
#include <atomic>
#include <cstring>
#include <mutex>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>
#include <vlt/io/file_hash.hpp>
#include <vlt/io/write_file.hpp>

namespace vlt::data {

// What a frozen tower makes of pictures, kept so that it need not be computed again. A picture is known by the bytes of
// its file and by all that its features depend on besides: preprocessing, tower, arithmetic. Called from several
// threads at once.
class FeatureCache {
 public:
  // origin: a text that differs wherever preprocessing, tower or arithmetic do. bytes: room for features.
  FeatureCache(std::string origin, Index floats_per_tile, std::uint64_t bytes)
      : origin_(std::move(origin)), floats_per_tile_(floats_per_tile), room_(bytes) {}
  virtual ~FeatureCache() = default;
  FeatureCache(const FeatureCache&) = delete;
  FeatureCache& operator=(const FeatureCache&) = delete;

  Index floats_per_tile() const { return floats_per_tile_; }
  // 32 hexadecimal digits.
  std::string key_of(std::string_view file) const {
    return StreamHash().add(origin_).add("\n").add(file).text().substr(std::string_view("xxh3-128:").size());
  }
  // Copies the features of a picture's tiles to `to`; false if they are not known.
  virtual bool find(const std::string& key, std::span<float> to) = 0;
  // Keeps them, if there is room; what is known already stays.
  virtual void keep(const std::string& key, std::span<const float> features) = 0;

  // What people should hear of it, each once.
  std::vector<Complaint> news() {
    const std::lock_guard lock(mutex_);
    return std::exchange(news_, {});
  }
  // Pictures found, and kept.
  Index found() const { return found_; }
  Index kept() const { return kept_; }

 protected:
  std::mutex mutex_;

  // Under the lock: takes the room for so many bytes, if there are as many, else says once that there are not.
  bool take_room(std::uint64_t bytes) {
    if (bytes <= room_) return room_ -= bytes, true;
    if (!std::exchange(full_, true))
      news_.push_back(Complaint("WRITE-CACHE-007", "there is no room for the features of more pictures")
                          .at("--vision_cache_bytes")
                          .expected("room for the features of all pictures")
                          .found(std::to_string(room_) + " bytes left, of " + std::to_string(bytes) + " for a picture")
                          .help("raise --vision_cache_bytes")
                          .note("the tower computes the others in every epoch; nothing that is kept is given up"));
    return false;
  }
  void give_room(std::uint64_t bytes) { room_ += bytes; }
  void say(Complaint c) { news_.push_back(std::move(c)); }
  void count_found() { ++found_; }
  void count_kept() { ++kept_; }

 private:
  std::string origin_;
  Index floats_per_tile_;
  std::uint64_t room_;
  bool full_ = false;
  std::vector<Complaint> news_;
  std::atomic<Index> found_{0}, kept_{0};
};

// Features in memory.
class MemoryFeatures final : public FeatureCache {
 public:
  using FeatureCache::FeatureCache;

  bool find(const std::string& key, std::span<float> to) override {
    const std::lock_guard lock(mutex_);
    const auto at = features_.find(key);
    if (at == features_.end()) return false;
    require(at->second.size() == to.size(), "a picture's features have the size they had");
    std::copy(at->second.begin(), at->second.end(), to.begin());
    return count_found(), true;
  }
  void keep(const std::string& key, std::span<const float> features) override {
    const std::lock_guard lock(mutex_);
    if (features_.contains(key) || !take_room(features.size_bytes())) return;
    features_.emplace(key, std::vector<float>(features.begin(), features.end()));
    count_kept();
  }

 private:
  std::unordered_map<std::string, std::vector<float>> features_;
};

// Features in files of a folder, one for each picture: kept from one run to the next, and shared by the processes of a
// run. A file is a header, the floats, and becomes visible when it is whole; one that is not what was written is said,
// and computed and written again. What cannot be written is computed again in the next epoch.
class DiskFeatures final : public FeatureCache {
 public:
  // bytes: room for all files. writers: how many processes share what is left of it.
  DiskFeatures(std::string origin, Index floats_per_tile, std::uint64_t bytes, std::string folder, int writers = 1)
      : FeatureCache(std::move(origin), floats_per_tile, room_in(folder, bytes) / std::uint64_t(writers)),
        folder_(std::move(folder)) {}

  // Removes what a process that died left of its last file. Nobody may be writing.
  static void remove_drafts(const std::string& folder) {
    for (const std::filesystem::path& path : files_in(folder))
      if (path.native().find(draft_mark) != std::string::npos) ::unlink(path.c_str());
  }
  std::string path_of(const std::string& key) const { return folder_ + "/" + key + ending; }

  bool find(const std::string& key, std::span<float> to) override {
    const int descriptor = ::open(path_of(key).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) return false;
    const char* fault = read(descriptor, key, to);
    ::close(descriptor);
    if (!fault) return count_found(), true;
    const std::lock_guard lock(mutex_);
    if (damaged_.insert(key).second)
      say(Complaint("WRITE-CACHE-008", "a file of the feature cache is not what was written")
              .at(path_of(key))
              .expected("the features of one picture, with their hash")
              .found(fault)
              .help("nothing needs to be done: they are computed and written again"));
    return false;
  }
  void keep(const std::string& key, std::span<const float> features) override {
    const std::string path = path_of(key);
    std::uint64_t bytes = sizeof(Header) + features.size_bytes();
    {
      const std::lock_guard lock(mutex_);
      if (given_up_) return;
      if (damaged_.erase(key) > 0) bytes = 0;  // in place of the other
      else if (::access(path.c_str(), F_OK) == 0 || !take_room(bytes)) return;
    }
    if (const int problem = write(path, header_of(key, features), features); problem != 0) {
      const std::lock_guard lock(mutex_);
      give_room(bytes);
      if (!std::exchange(given_up_, true))
        say(Complaint("WRITE-CACHE-009", "features cannot be written to the cache")
                .at(path)
                .expected("room for " + std::to_string(sizeof(Header) + features.size_bytes()) + " bytes")
                .found(errno_text(problem))
                .help("free some space, or leave --cache_vision_features out")
                .note("the run goes on; the tower computes the pictures that are not in the cache"));
      return;
    }
    count_kept();
  }

 private:
  // What stands before the floats.
  struct Header {
    char magic[8];  // "vltfeat1"
    char key[32];   // of the picture
    std::uint64_t floats;
    std::uint64_t hash[2];  // XXH3-128 of the floats
  };

  static constexpr const char *ending = ".features", *draft_mark = ".features.tmp.";

  std::string folder_;
  std::set<std::string> damaged_;  // to be written again
  bool given_up_ = false;          // nothing more is written

  static std::vector<std::filesystem::path> files_in(const std::string& folder) {
    std::vector<std::filesystem::path> all;
    std::error_code problem;
    for (std::filesystem::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem))
      if (std::error_code unknown; at->is_regular_file(unknown)) all.push_back(at->path());
    return all;
  }
  static std::uint64_t room_in(const std::string& folder, std::uint64_t bytes) {
    make_folders(folder);
    for (const std::filesystem::path& path : files_in(folder)) {
      std::error_code gone;
      const auto size = path.extension() == ending ? std::filesystem::file_size(path, gone) : 0;
      bytes -= gone ? 0 : std::min<std::uint64_t>(bytes, size);
    }
    return bytes;
  }
  static Header header_of(const std::string& key, std::span<const float> features) {
    Header h{};
    std::memcpy(h.magic, "vltfeat1", sizeof h.magic);
    std::memcpy(h.key, key.data(), std::min(key.size(), sizeof h.key));
    h.floats = features.size();
    const XXH128_hash_t hash = XXH3_128bits(features.data(), features.size_bytes());
    h.hash[0] = hash.low64, h.hash[1] = hash.high64;
    return h;
  }
  // What is wrong with a file; null: nothing, and its features are there.
  const char* read(int descriptor, const std::string& key, std::span<float> to) const {
    struct stat s {};
    if (::fstat(descriptor, &s) != 0 || !S_ISREG(s.st_mode)) return "not a regular file";
    if (std::uint64_t(s.st_size) != sizeof(Header) + to.size_bytes()) return "another size";
    Header h{};
    if (!read_all(descriptor, &h, sizeof h) || !read_all(descriptor, to.data(), to.size_bytes()))
      return "it cannot be read";
    const Header expected = header_of(key, to);
    if (std::memcmp(&h, &expected, offsetof(Header, hash)) != 0) return "another picture, or another kind of file";
    return std::memcmp(h.hash, expected.hash, sizeof h.hash) == 0 ? nullptr : "another hash";
  }
  static bool read_all(int descriptor, void* to, std::size_t bytes) {
    auto* at = static_cast<char*>(to);
    while (bytes > 0) {
      const ::ssize_t n = ::read(descriptor, at, bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      at += n, bytes -= std::size_t(n);
    }
    return true;
  }
  static bool write_all(int descriptor, const void* from, std::size_t bytes) {
    const auto* at = static_cast<const char*>(from);
    while (bytes > 0) {
      const ::ssize_t n = ::write(descriptor, at, bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return false;
      at += n, bytes -= std::size_t(n);
    }
    return true;
  }
  // Under another name, then renamed: whoever looks sees a whole file or none. It is not made durable: a file that a
  // power failure damages is computed again. Returns what went wrong.
  static int write(const std::string& path, const Header& header, std::span<const float> features) {
    static std::atomic<unsigned> number{0};
    const std::string draft = path.substr(0, path.size() - std::strlen(ending)) + draft_mark +
                              std::to_string(::getpid()) + "." + std::to_string(number++);
    const int descriptor = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) return errno;
    int problem = 0;
    if (!write_all(descriptor, &header, sizeof header) ||
        !write_all(descriptor, features.data(), features.size_bytes()))
      problem = errno;
    if (::close(descriptor) != 0 && problem == 0) problem = errno;
    if (problem == 0 && ::rename(draft.c_str(), path.c_str()) != 0) problem = errno;
    if (problem != 0) ::unlink(draft.c_str());
    return problem;
  }
};

}  // namespace vlt::data
