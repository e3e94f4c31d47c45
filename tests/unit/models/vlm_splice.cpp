// How conversations and pictures become rows of a batch, and which rows are supervised.
#include <catch2/catch.hpp>
#include "small_model.hpp"

using namespace vlt;
using Ids = std::vector<Index>;

namespace {
Batch spliced(const std::vector<Sample>& samples, Index images, std::vector<int> group = {}) {
  const auto model = small_model<ClipVit<Gold>, LlamaDecoder<Gold>>(small_tower());
  return model.batch(equal_segments(images, 1), samples, image_id, group);
}
}  // namespace

TEST_CASE("token 0 is supervised like any other") {
  const Batch b = spliced({{{3, 0, 5, 0}, {-1, 0, -1, 0}}}, 0);
  CHECK(b.id == Ids{3, 0, 5, 0});
  CHECK(b.targets.row == Ids{0, 2});
  CHECK(b.targets.id == Ids{0, 0});
}

TEST_CASE("a picture's rows stand where its mark stood; the row before a label predicts it") {
  // 4 patches and the class token are 5 rows of each picture
  const Batch b = spliced({{{1, 10, 4}, {-1, -1, 4}}, {{2, 3}, {2, 3}}, {{10, 7}, {-1, 7}}}, 2, {1, 0, 1});
  CHECK(b.id == Ids{1, -1, -1, -1, -1, -1, 4, 2, 3, -1, -1, -1, -1, -1, 7});
  CHECK(b.image_row == Ids{-1, 0, 1, 2, 3, 4, -1, -1, -1, 5, 6, 7, 8, 9, -1});
  CHECK(b.targets.row == Ids{5, 7, 13});  // nothing predicts the first token of a sequence
  CHECK(b.targets.id == Ids{4, 3, 7});
  CHECK(std::vector<int>(b.targets.group.begin(), b.targets.group.end()) == std::vector<int>{1, 0, 1});
  REQUIRE(b.text.sequences() == 3);
  CHECK(b.text.begin(1) == 7);
  CHECK(b.text.begin(2) == 9);
  CHECK(b.text.rows() == 15);
}

TEST_CASE("marks and pictures must be as many, labels as many as ids") {
  CHECK_THROWS_WITH(spliced({{{10, 4}, {-1, 4}}}, 2), Catch::Contains("more images than image marks"));
  CHECK_THROWS_WITH(spliced({{{10, 10, 4}, {-1, -1, 4}}}, 1), Catch::Contains("more image marks than images"));
  CHECK_THROWS_WITH(spliced({{{1, 4}, {-1}}}, 0), Catch::Contains("as many labels as ids"));
  CHECK_THROWS_WITH(spliced({{{1, 4}, {-1, 4}}}, 0, {0, 1}), Catch::Contains("a group"));
}
