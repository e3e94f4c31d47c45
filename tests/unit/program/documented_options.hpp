#pragma once
#include <unit/io/temporary_folder.hpp>
#include <vlt/options/option_pages.hpp>

namespace vlt::test {

// The part of docs/options.md that one of the programs prints.
inline std::string documented_options(const std::string& program) {
  const std::string page = read_text(VLT_TEST_DIR "/../docs/options.md"), title = "# Options of ";
  const std::size_t begin = page.find(title + program + "\n");
  REQUIRE(begin != page.npos);
  return page.substr(begin, page.find("\n" + title, begin) + 1 - begin);
}

}  // namespace vlt::test
