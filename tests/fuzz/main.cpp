// Feeds the targets with damaged input. Built with VLT_LIBFUZZER it is the body of one target for clang's libFuzzer,
// the one that the environment names in VLT_FUZZ_TARGET; else a program of its own:
//   fuzz TESTS SECONDS [SEED [TARGET]]
// Each target first gets every file of TESTS/fuzz/corpus/ITS_NAME, old findings among them, then damaged ones for so
// many seconds. What is damaged and how follows from SEED alone; only how many there are depends on the machine. An
// input that ends the process stays behind as `finding-TARGET`: it belongs into the corpus, with the mend.
#include <sys/stat.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <fuzz/damage.hpp>
#include <fuzz/targets.hpp>
#include <vlt/base/thread_clock.hpp>

namespace {

using vlt::fuzz::Target;
using vlt::fuzz::targets;

#ifndef VLT_LIBFUZZER

// The input that is being looked at, in a file that outlives the process.
class Witness {
 public:
  explicit Witness(const std::string& target) : path_("finding-" + target) {
    file_ = std::fopen(path_.c_str(), "w+b");
    vlt::fuzz::promise(file_ != nullptr, "a file for the input");
    at_ = static_cast<char*>(::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_SHARED, ::fileno(file_), 0));
    vlt::fuzz::promise(at_ != MAP_FAILED, "memory for the input");
  }
  ~Witness() {
    ::munmap(at_, room);
    std::fclose(file_);
    std::filesystem::remove(path_);
  }
  Witness(const Witness&) = delete;

  void sees(std::string_view bytes) {
    bytes = bytes.substr(0, room);
    vlt::fuzz::promise(::ftruncate(::fileno(file_), ::off_t(bytes.size())) == 0, "room for the input");
    std::memcpy(at_, bytes.data(), bytes.size());
  }

 private:
  static constexpr std::size_t room = 1 << 21;
  std::string path_;
  std::FILE* file_;
  char* at_;
};

std::vector<std::string> files_of(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  if (std::filesystem::is_directory(folder))
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (entry.is_regular_file()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> files;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return files;
}

constexpr double most_seconds = 5;  // of a core, for one input, under the sanitizers

void feed(const Target& target, const std::string& bytes, Witness& witness) {
  witness.sees(bytes);
  const double began = vlt::thread_seconds();
  target.run(bytes);
  vlt::fuzz::promise(vlt::thread_seconds() - began < most_seconds, "an input is read or refused within seconds");
}

std::uint64_t fuzz(const Target& target, const std::string& tests, double seconds, std::uint64_t seed) {
  Witness witness(target.name);
  std::vector<std::string> inputs = files_of(tests + "/fuzz/corpus/" + target.name);
  if (*target.seeds)
    for (std::string& more : files_of(tests + "/" + target.seeds)) inputs.push_back(std::move(more));
  vlt::fuzz::promise(!inputs.empty(), "a target has inputs to begin with");
  for (const std::string& bytes : inputs) feed(target, bytes, witness);
  const vlt::fuzz::Damage damage(std::move(inputs), target.tokens);
  const double end = vlt::thread_seconds() + seconds;
  std::uint64_t number = 0;
  while (vlt::thread_seconds() < end) feed(target, damage(seed, number++), witness);
  return number;
}

#endif

}  // namespace

#ifdef VLT_LIBFUZZER

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const char* name = std::getenv("VLT_FUZZ_TARGET");
  for (const Target& target : targets)
    if (name && std::strcmp(target.name, name) == 0) return target.run({reinterpret_cast<const char*>(bytes), size}), 0;
  std::fprintf(stderr, "VLT_FUZZ_TARGET names no target\n");
  std::abort();
}

#else

int main(int count, char** words) {
  if (count < 3) return std::fprintf(stderr, "usage: fuzz TESTS SECONDS [SEED [TARGET]]\n"), 2;
  const double seconds = std::atof(words[2]);
  const std::uint64_t seed = count > 3 ? std::strtoull(words[3], nullptr, 10) : 1;
  int passed = 0;
  for (const Target& target : targets) {
    if (count > 4 && std::strcmp(target.name, words[4]) != 0) continue;
    const std::uint64_t inputs = fuzz(target, words[1], seconds, seed);
    std::printf("ok %s: %llu inputs\n", target.name, static_cast<unsigned long long>(inputs));
    std::fflush(stdout);
    ++passed;
  }
  std::printf("%d passed, 0 failed\n", passed);
  return passed > 0 ? 0 : 1;
}

#endif
