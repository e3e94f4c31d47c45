// Finding a folder's weights: one file or an index, and every way in which an index can lie.
#include <unit/io/temporary_folder.hpp>
#include <vlt/hub/safetensors_writer.hpp>
#include <vlt/hub/weight_folder.hpp>
#include <vlt/io/pretty_json.hpp>

using namespace vlt;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

constexpr auto model = ExitCode::model;

void write_shard(const TemporaryFolder& t, const std::string& name, const std::vector<std::string>& tensors) {
  std::vector<hub::TensorPlan> plans;
  for (const auto& n : tensors) plans.push_back({n, hub::StoredType::f32, {2}});
  hub::SafetensorsWriter w(t / name, plans);
  for (std::size_t i = 0; i < tensors.size(); ++i) w.append(std::vector<float>{1, 2});
  w.commit();
}
std::string index_of(const boost::json::object& map, int total = 24) {
  return pretty_json(boost::json::object{{"metadata", {{"total_size", total}}}, {"weight_map", map}});
}
hub::WeightFolder open(const TemporaryFolder& t) { return hub::WeightFolder(Folder(t.path)); }

}  // namespace

TEST_CASE("a folder of shards is one set of tensors") {
  const TemporaryFolder t;
  write_shard(t, "one.safetensors", {"a", "c"});
  write_shard(t, "two.safetensors", {"b"});
  const boost::json::object map{{"a", "one.safetensors"}, {"b", "two.safetensors"}, {"c", "one.safetensors"}};
  t.write("model.safetensors.index.json", index_of(map));
  const hub::WeightFolder f = open(t);
  REQUIRE(f.tensors().size() == 3);
  CHECK(f.tensors()[1].tensor->name == "b");
  CHECK(f.find("b").file->name() == t / "two.safetensors");
  CHECK_FALSE(f.find("d"));
  CHECK(f.warnings().empty());
  t.write("model.safetensors.index.json", index_of(map, 25));
  REQUIRE(open(t).warnings().size() == 1);
  CHECK_THAT(open(t).warnings()[0], Catch::Contains("total_size 25") && Catch::Contains("24 bytes"));
}

TEST_CASE("an index that lies is refused") {
  const TemporaryFolder t;
  write_shard(t, "one.safetensors", {"a", "c"});
  write_shard(t, "two.safetensors", {"b", "c"});
  std::filesystem::create_symlink("/etc/passwd", t / "link.safetensors");
  const auto bad = [&](const boost::json::object& map, const char* code, const auto&... words) {
    t.write("model.safetensors.index.json", index_of(map));
    refused([&] { open(t); }, model, code, words...);
  };
  bad({{"a", "three.safetensors"}}, "MODEL-PATH-001", "missing", "three.safetensors");
  bad({{"a", "../x.safetensors"}}, "MODEL-JSON-004", "../x.safetensors", "weight_map");
  bad({{"a", "/tmp/x.safetensors"}}, "MODEL-JSON-004", "/tmp/x.safetensors");
  bad({{"a", "sub/x.safetensors"}}, "MODEL-JSON-004");
  bad({{"a", ".."}}, "MODEL-JSON-004");
  bad({{"a", "pytorch_model.bin"}}, "MODEL-JSON-004");
  bad({{"a", 5}}, "MODEL-JSON-002");
  bad({{"a", "link.safetensors"}}, "MODEL-PATH-002", "escapes");
  bad({{"a", "one.safetensors"}, {"b", "two.safetensors"}}, "MODEL-INDEX-003", "\"c\"", "one.safetensors");
  bad({{"a", "one.safetensors"}, {"b", "one.safetensors"}}, "MODEL-INDEX-004", "\"b\"");
  t.write("model.safetensors.index.json",
          R"({"weight_map": {"a": "one.safetensors", "b": "one.safetensors", "a": "two.safetensors"}})");
  refused([&] { open(t); }, model, "MODEL-JSON-005", "\"a\"");
  t.write("model.safetensors.index.json", "{}");
  refused([&] { open(t); }, model, "MODEL-JSON-003", "weight_map");
}

TEST_CASE("an index has at most 64 MiB") {
  const TemporaryFolder t;
  const std::string path = t.write("model.safetensors.index.json", "{}");
  std::filesystem::resize_file(path, (64 << 20) + 1);
  refused([&] { open(t); }, model, "MODEL-FILE-003", "at most 67108864 bytes", "67108865");
  std::filesystem::resize_file(path, 64 << 20);
  refused([&] { open(t); }, model, "MODEL-JSON-001");  // it is read: zeros are no JSON
}

TEST_CASE("a folder without safetensors says what it holds") {
  const TemporaryFolder t;
  refused([&] { open(t); }, model, "MODEL-WEIGHTS-001", "empty folder");
  t.write("README.md", "x");
  refused([&] { open(t); }, model, "MODEL-WEIGHTS-001", "\"README.md\"");
  t.write("pytorch_model.bin", "x");
  refused([&] { open(t); }, model, "MODEL-WEIGHTS-002", "pickle is never loaded", "save_pretrained");
  t.write("model.safetensors", "PK\x03\x04....");
  refused([&] { open(t); }, model, "MODEL-ST-032", "pickle");
}
