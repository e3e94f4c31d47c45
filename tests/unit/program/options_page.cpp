// What sft_main can be asked for, with defaults and limits, is what docs/options.md promises.
#include <unit/program/documented_options.hpp>
#include <vlt/program/options.hpp>

using namespace vlt;

TEST_CASE("docs/options.md lists the options of sft_main") {
  const bool same = markdown_page(program::sft_option_table({"baseline", "vit", "perceiver", "mlp"}), "sft_main") ==
                    test::documented_options("sft_main");
  CHECK(same);  // sft_main --print_options_md
}
