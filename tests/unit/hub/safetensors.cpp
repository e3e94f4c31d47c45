// Every way in which a safetensors file can be wrong has its sentence; what is right is read.
#include <unit/hub/safetensors_file.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/hub/safetensors.hpp>

using namespace vlt;
using vlt::test::refused;
using vlt::test::safetensors_bytes;
using vlt::test::TemporaryFolder;

namespace {

hub::SafetensorsFile open(const TemporaryFolder& t, const std::string& bytes, const ReadLimits& limits = {}) {
  return hub::SafetensorsFile(open_file(t.write("x.safetensors", bytes)), limits);
}
// The file with this header and so many bytes of data is refused.
template <class... Words>
void bad(const std::string& header, std::size_t data, const char* code, const Words&... words) {
  const TemporaryFolder t;
  INFO(header.substr(0, 200));
  refused([&] { open(t, safetensors_bytes(header, std::string(data, '\0'))); }, ExitCode::model,
          std::string("MODEL-ST-") + code, words...);
}
std::string tensor(const std::string& rest) { return R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8])" + rest; }

}  // namespace

TEST_CASE("files that are no safetensors are recognised") {
  const TemporaryFolder t;
  const auto raw = [&](const std::string& bytes, const char* code, const char* word) {
    refused([&] { open(t, bytes); }, ExitCode::model, std::string("MODEL-ST-") + code, word, "x.safetensors");
  };
  raw("", "001", "8 bytes, file has 0");
  raw("1234567", "001", "8 bytes, file has 7");
  raw(std::string(8, '\0'), "003", "empty");
  raw(std::string(8, '\xff'), "006", "18446744073709551615");
  raw(std::string("\x01\xe1\xf5\x05\0\0\0\0", 8) + "{", "006", "100000001");
  raw(std::string("\x10\0\0\0\0\0\0\0", 8) + "{}", "005", "file has 10");
  raw("PK\x03\x04rest of a zip", "032", "pickle");
  raw("\x80\x02}q\x01(X\x04", "032", "pickle");
  raw("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "033", "Git LFS");
  raw("<!DOCTYPE html><html>", "034", "web page");
}

TEST_CASE("headers that are not the JSON they should be are refused with their place") {
  bad(" {}", 0, "007", "begin with {");
  bad("[]", 0, "007");
  bad(tensor("}} x"), 8, "009", "1:56");
  bad(tensor("},"), 8, "009");
  bad("{\"\xff\":1}", 0, "009", "1:3");
  bad("{\n\n  x}", 0, "009", "3:3");
  bad(R"({"a":)" + std::string(1000, '[') + std::string(1000, ']') + "}", 0, "028", "a list");
  bad(R"({"a":5})", 0, "028", "not an object");
  bad(R"({"a":null})", 0, "028");
  bad(R"({"a":{"dtype":"F32","shape":[2]}})", 8, "028", "data_offsets", "\"a\"");
  bad(R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8, "028", "shape");
  bad(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, "028", "dtype");
  bad(R"({"a":{"dtype":5,"shape":[2],"data_offsets":[0,8]}})", 8, "028", "wrong type");
  bad(R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", 8, "028");
  bad(R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8, "028");
  bad(R"({"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}})", 8, "028");
  bad(tensor(R"(,"more":1}})"), 8, "028", "\"more\"");
}

TEST_CASE("names, keys and metadata are checked") {
  bad(tensor(R"(},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})"), 16, "012", "\"a\"");
  bad(R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8, "012", "\"dtype\"");
  bad(R"({"__metadata__":{"a":5}})", 0, "025", "strings");
  bad(R"({"__metadata__":{"a":{"b":"c"}}})", 0, "025");
  bad(R"({"__metadata__":["a"]})", 0, "026");
  bad(R"({"__metadata__":{"a":"x","a":"y"}})", 0, "012");
  bad(R"({"a\u0000b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8, "027", "NUL");
  bad("{\"" + std::string(2048, 'n') + R"(":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8, "027", "1024");
  const TemporaryFolder t;
  ReadLimits two;
  two.tensors = 1;
  refused(
      [&] {
        open(t,
             safetensors_bytes(tensor(R"(},"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]}})"),
                               std::string(12, 'x')),
             two);
      },
      ExitCode::model, "MODEL-ST-029", "at most 1", "--limit_tensors");
  const std::string file = safetensors_bytes(tensor("}}"), std::string(8, 'x'));
  const auto limited = [&](Index ReadLimits::*field, Index enough, const char* code, const char* option) {
    ReadLimits limits;
    limits.*field = enough;
    CHECK_NOTHROW(open(t, file, limits));
    limits.*field = enough - 1;
    refused([&] { open(t, file, limits); }, ExitCode::model, code, std::to_string(enough - 1), option);
  };
  limited(&ReadLimits::header_bytes, Index(tensor("}}").size()), "MODEL-ST-006", "--limit_header_bytes");
  limited(&ReadLimits::tensor_rank, 1, "MODEL-ST-022", "--limit_tensor_rank");
  limited(&ReadLimits::tensor_name_bytes, 1, "MODEL-ST-027", "--limit_tensor_name_bytes");
}

TEST_CASE("numbers of a header are checked before anything is computed with them") {
  const auto shaped = [](const std::string& shape, const std::string& offsets, const char* code, const char* word) {
    bad(R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}", 8, code, word);
  };
  shaped("[2]", "[8,0]", "016", "[8, 0]");
  shaped("[2]", "[-1,8]", "017", "-1");
  shaped("[-2]", "[0,8]", "017", "shape");
  shaped("[1.5]", "[0,8]", "018", "integer");
  shaped("[2]", "[0,1e3]", "018", "integer");
  shaped("[9223372036854775808]", "[0,8]", "019", "2^63");
  shaped("[18446744073709551616]", "[0,8]", "018", "2^63");
  shaped("[2]", "[0]", "015", "1 of them");
  shaped("[2]", "[0,8,9]", "015", "3 of them");
  shaped("[4294967296,4294967296,4]", "[0,8]", "021", "overflow");
  shaped("[3]", "[0,8]", "023", "F32 [3] = 12 bytes");
  shaped("[1,1,1,1,1,1,1,1,1]", "[0,8]", "022", "at most 8");
  bad(R"({"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", 8, "024", "F8_E4M3");
  bad(R"({"a":{"dtype":"X7","shape":[8],"data_offsets":[0,8]}})", 8, "024", "X7");
}

TEST_CASE("tensors tile the data: no overlap, no hole, nothing behind") {
  const auto two = [](const std::string& second) {
    return tensor(R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + second + "}}");
  };
  bad(two("[4,12]"), 12, "013", "\"a\" [0, 8]", "\"b\" [4, 12]");
  bad(two("[0,8]"), 8, "013");
  bad(two("[12,20]"), 20, "014", "from byte 8", "\"b\" [12, 20]");
  bad(two("[8,16]"), 17, "015", "16 bytes of tensors", "17");
  bad(two("[8,16]"), 15, "031", "16 bytes of tensors", "15");
  bad(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", 16, "014", "from byte 0");
}

TEST_CASE("scalars, empty tensors, metadata and padding are fine") {
  const TemporaryFolder t;
  const std::string header = R"({"__metadata__":{"format":"pt"},)"
                             R"("s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                             R"("none":{"data_offsets":[4,4],"shape":[3,0],"dtype":"BF16"},)"
                             R"("i":{"dtype":"I64","shape":[1],"data_offsets":[4,12]}})";
  const auto f =
      open(t, safetensors_bytes(header + std::string(100000, ' '), std::string("\0\0\x80?", 4) + "12345678"));
  REQUIRE(f.tensors().size() == 3);
  CHECK(f.metadata().at("format") == "pt");
  float one = 0;
  f.read(*f.find("s"), 0, std::span(&one, 1));
  CHECK(one == 1.0f);
  CHECK(f.find("none")->size() == 0);
  CHECK(f.find("absent") == nullptr);
  refused([&] { f.read(*f.find("i"), 0, std::span(&one, 1)); }, ExitCode::model, "MODEL-ST-024", "I64");
  CHECK(open(t, safetensors_bytes("{}", "")).tensors().empty());
}

TEST_CASE("a header whose length begins as a pickle does is read") {
  const TemporaryFolder t;
  for (const std::size_t length : {0x280u, 0x480u, 0x10280u}) {
    std::string header = tensor("}}");
    header.resize(length, ' ');
    CHECK(open(t, safetensors_bytes(header, std::string(8, '\0'))).tensors().size() == 1);
  }
}

TEST_CASE("a number that is not finite is found wherever it is") {
  std::vector<float> x(1000, 3e38f);
  CHECK_FALSE(hub::first_not_finite(x).has_value());
  for (const float bad_number : {INFINITY, -INFINITY, NAN})
    for (const std::size_t at : {std::size_t(0), std::size_t(511), std::size_t(999)}) {
      auto y = x;
      y[at] = bad_number;
      CHECK(hub::first_not_finite(y) == at);
    }
}
