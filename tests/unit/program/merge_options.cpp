// What merge_lora can be asked for, with defaults and limits, is what docs/options.md promises.
#include <unit/program/documented_options.hpp>
#include <vlt/program/merge_options.hpp>

using namespace vlt;

TEST_CASE("docs/options.md lists the options of merge_lora") {
  const bool same =
      markdown_page(program::merge_option_table(), "merge_lora") == test::documented_options("merge_lora");
  CHECK(same);  // merge_lora --print_options_md
}
