// Which tokens LLaVA-NeXT reads of pictures of many sizes, against transformers.
#include <catch2/catch.hpp>
#include <vlt/image/picture_rules.hpp>
#include <vlt/io/file.hpp>
#include <vlt/io/json.hpp>

using namespace vlt;

namespace {

std::vector<Index> rows_of(const Json& runs) {
  std::vector<Index> rows;
  for (std::size_t i = 0; i < runs.array().size(); ++i) {
    const auto first = Index(runs[i][0].number()), count = Index(runs[i][1].number());
    for (Index n = 0; n < count; ++n) rows.push_back(first < 0 ? ImageLayout::newline : first + n);
  }
  return rows;
}

}  // namespace

TEST_CASE("layouts are those of transformers", "[golden]") {
  const std::string path = VLT_TEST_DIR "/golden/tiles/layouts.json";
  const boost::json::value value = parse_json(read_whole_file(path, 1 << 20), path);
  const Json all(value, path), cases = all.at("cases");
  for (std::size_t i = 0; i < cases.array().size(); ++i) {
    const Json c = cases[i], p = all.at("processors")[std::size_t(c.at("processor").index())];
    image::ClipProcessorFile file;
    file.shortest_edge = file.crop = p.at("tile").index();
    const Json grid = p.at("grid");
    for (std::size_t g = 0; g < grid.array().size(); ++g) file.grid.push_back({grid[g][0].index(), grid[g][1].index()});
    const image::PictureRules r(file, p.at("tile").index() / p.at("patch").index());
    const image::Size size{c.at("height").index(), c.at("width").index()};
    INFO(size.height << " x " << size.width);
    CHECK(r.tiles(size) == c.at("tiles").index());
    CHECK(r.tokens(size) == c.at("tokens").index());
    const ImageLayout l = r.layout(size);
    CHECK(l.tiles == r.tiles(size));
    CHECK(l.row == rows_of(c.at("runs")));
    CHECK((l.tiles <= r.max_tiles() && r.tokens(size) <= r.max_tokens() && r.tokens(size) >= r.min_tokens()));
  }
  CHECK(cases.array().size() == 243);
}
