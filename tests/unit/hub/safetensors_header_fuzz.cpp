// Damaged files of every kind end in an Error or are read correctly; nothing crashes (run under ASan and UBSan).
#include <random>
#include <unit/hub/safetensors_file.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/hub/model_config.hpp>
#include <vlt/hub/safetensors_header.hpp>

using namespace vlt;

namespace {

const std::string good_header =
    R"({"__metadata__":{"format":"pt"},"model.a":{"dtype":"F32","shape":[2,3],)"
    R"("data_offsets":[0,24]},"model.b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},)"
    R"("c":{"dtype":"I64","shape":[],"data_offsets":[32,40]}}   )";
const std::string good_config =
    R"({"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,)"
    R"("num_key_value_heads":2,"vocab_size":100,"rms_norm_eps":1e-5,"rope_parameters":{"rope_type":"llama3",)"
    R"("rope_theta":500000.0,"factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,)"
    R"("original_max_position_embeddings":256},"tie_word_embeddings":true,"hidden_act":"silu"})";

// One to four flips, insertions of interesting tokens, deletions, repetitions or cuts.
std::string damaged(const std::string& good, std::mt19937& random) {
  static const char* tokens[] = {"\"",
                                 "{",
                                 "}",
                                 "[",
                                 "]",
                                 ",",
                                 ":",
                                 "-1",
                                 "0",
                                 "1e400",
                                 "18446744073709551615",
                                 "9223372036854775807",
                                 "null",
                                 "true",
                                 "\\u0000",
                                 "\xff",
                                 "F64",
                                 "__metadata__"};
  std::string s = good;
  const auto place = [&] { return s.empty() ? std::size_t(0) : std::size_t(random() % s.size()); };
  for (unsigned n = 1 + random() % 4; n > 0; --n) switch (random() % 6) {
      case 0:
        if (!s.empty()) s[place()] ^= char(1 << random() % 8);
        break;
      case 1:
        s.insert(place(), tokens[random() % std::size(tokens)]);
        break;
      case 2:
        s.erase(place(), 1 + random() % 9);
        break;
      case 3:
        s.resize(place());
        break;
      case 4:
        s.insert(place(), s.substr(place(), random() % 40));
        break;
      default:
        if (!s.empty()) s[place()] = char('0' + random() % 10);
        break;
    }
  return s;
}

}  // namespace

TEST_CASE("damaged safetensors headers", "[fuzz]") {
  std::mt19937 random(1);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string text = damaged(good_header, random);
    try {
      const hub::SafetensorsHeader h = hub::parse_safetensors_header(text, 40, "f");
      std::uint64_t bytes = 0;
      for (const hub::StoredTensor& t : h.tensors) {
        std::uint64_t size = std::uint64_t(hub::facts(t.type).bytes);
        for (const std::uint64_t d : t.shape) size *= d;
        CHECK(size == t.end - t.begin);
        CHECK(t.end <= 40);
        bytes += t.end - t.begin;
      }
      CHECK(bytes == 40);
      ++read;
    } catch (const Error& e) {
      if (e.exit() != ExitCode::model) FAIL(e.what());
    }
  }
  CHECK(read > 100);  // harmless damage (a name, a blank) is read
  CHECK(read < 10000);
}

TEST_CASE("damaged configurations", "[fuzz]") {
  std::mt19937 random(2);
  int read = 0;
  for (int i = 0; i < 5000; ++i) {
    try {
      const hub::LlamaConfig c = hub::parse_llama_config(damaged(good_config, random), "f");
      CHECK(c.sizes.block.heads % c.sizes.block.kv_heads == 0);
      ++read;
    } catch (const Error& e) {
      if (e.exit() != ExitCode::model && e.exit() != ExitCode::memory) FAIL(e.what());
    }
  }
  CHECK(read > 50);
}
