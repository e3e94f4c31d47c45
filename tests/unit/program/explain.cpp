// Every code in the sources is explained, every explanation belongs to a code, and docs/errors.md says the same.
#include <vlt/program/explain.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool digits(const std::string& s) {
  return s.size() == 3 && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}
bool capitals(const std::string& s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// WORD-NUMBER or WORD-WORD-NUMBER.
bool is_code(const std::string& s) {
  const std::size_t last = s.rfind('-'), first = s.find('-');
  if (last == s.npos || !digits(s.substr(last + 1)) || s.starts_with("AVX")) return false;
  return capitals(s.substr(0, first)) && (first == last || capitals(s.substr(first + 1, last - first - 1)));
}

// The codes that the sources hold as strings, and where. The image checks write only the number.
std::map<std::string, std::string> codes_in_sources() {
  std::map<std::string, std::string> found;
  for (const char* root : {"/../include", "/../examples"})
    for (const auto& entry : fs::recursive_directory_iterator(VLT_TEST_DIR + std::string(root))) {
      const fs::path& path = entry.path();
      const std::string name = path.filename().string();
      if (!entry.is_regular_file() || name.starts_with("error_codes")) continue;
      const bool image = name.starts_with("preflight") || name.starts_with("decode") || name.starts_with("image_");
      const std::string text = contents(path);
      for (std::size_t at = text.find('"'); at != text.npos; at = text.find('"', at + 1)) {
        const std::string word = text.substr(at + 1, text.find('"', at + 1) - at - 1);
        if (image && digits(word)) found["DATA-IMAGE-" + word] = name;
        else if (is_code(word)) found[word] = name;
      }
    }
  return found;
}

// The entries of a code, whether the source writes its family or leaves it to the blame.
std::vector<const vlt::program::ErrorCode*> entries_of(const std::string& code) {
  std::vector<const vlt::program::ErrorCode*> entries;
  for (const char* family : {"", "MODEL-", "DATA-", "OPT-"})
    if (const auto* entry = vlt::program::error_codes::find(family + code)) entries.push_back(entry);
  return entries;
}

}  // namespace

TEST_CASE("every error code is explained", "[pages]") {
  const auto codes = codes_in_sources();
  REQUIRE(codes.size() > 100);
  for (const auto& [code, file] : codes) {
    CAPTURE(code, file);
    CHECK_FALSE(entries_of(code).empty());
  }
}

TEST_CASE("every explanation belongs to a code", "[pages]") {
  std::set<const vlt::program::ErrorCode*> used;
  std::set<std::string_view> explained;
  for (const auto& [code, file] : codes_in_sources())
    for (const auto* entry : entries_of(code)) explained.insert(entry->code);
  for (const auto& group : vlt::program::error_codes::groups())
    for (const auto& entry : group.codes) {
      CAPTURE(entry.code);
      CHECK(explained.count(entry.code) == 1);
    }
}

TEST_CASE("codes are explained on request", "[pages]") {
  CHECK(vlt::program::explanation("MODEL-TOK-011").find("GPT-2's") != std::string::npos);
  CHECK(vlt::program::explanation("CKPT-PATH-001").find("missing") != std::string::npos);
  try {
    vlt::program::explanation("MODEL-TOK-012");
    FAIL("explained");
  } catch (const vlt::Error& e) {
    CHECK(e.exit() == vlt::ExitCode::usage);
    CHECK(e.complaint().help().find("did you mean MODEL-TOK-01") == 0);
  }
}

TEST_CASE("docs/errors.md lists the codes", "[pages]") {
  const std::string page = contents(VLT_TEST_DIR "/../docs/errors.md");
  const std::string mark = "<!-- the codes: `sft_main --explain all` writes them -->\n";
  const std::size_t at = page.find(mark);
  REQUIRE(at != page.npos);
  const bool same = page.substr(at + mark.size()) == vlt::program::explanation("all");
  CHECK(same);  // sft_main --explain all
}
