// What generate_main can be asked for, with defaults and limits, is what docs/options.md promises.
#include <unit/program/documented_options.hpp>
#include <vlt/program/generate_options.hpp>

using namespace vlt;

TEST_CASE("docs/options.md lists the options of generate_main") {
  const bool same =
      markdown_page(program::generate_option_table(), "generate_main") == test::documented_options("generate_main");
  CHECK(same);  // generate_main --print_options_md
}
