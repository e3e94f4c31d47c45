#include <vlt/data/dataset_stems.hpp>

#include <catch2/catch.hpp>

using Paths = std::vector<std::string>;

TEST_CASE("data files are called by their stems, and no two alike") {
  CHECK(vlt::data::dataset_stems({}).empty());
  CHECK(vlt::data::dataset_stems({"train.json"}) == Paths{"train"});
  CHECK(vlt::data::dataset_stems({"a/train.json", "c/x.y.jsonl", "b/train.json"}) == Paths{"train", "x.y", "train_2"});
  CHECK(vlt::data::dataset_stems({"a/x.json", "x_2.json", "b/x.json"}) == Paths{"x", "x_2", "x_3"});
}
