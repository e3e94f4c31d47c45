// Files of model folders, and command lines.
#include <filesystem>
#include <fuzz/targets.hpp>
#include <vlt/hub/adapter_folder.hpp>
#include <vlt/hub/llava_config.hpp>
#include <vlt/hub/safetensors.hpp>
#include <vlt/hub/vltune_file.hpp>
#include <vlt/image/clip_processor_file.hpp>
#include <vlt/io/pretty_json.hpp>
#include <vlt/options/option_pages.hpp>
#include <vlt/options/parse_options.hpp>
#include <vlt/program/options.hpp>

namespace vlt::fuzz {
namespace {

// A folder of one file whose bytes change, removed when the process ends.
class FolderOfOne {
 public:
  explicit FolderOfOne(std::string name) : name_(std::move(name)) {
    std::string path = (std::filesystem::temp_directory_path() / "vlt_fuzz_XXXXXX").string();
    promise(::mkdtemp(path.data()) != nullptr, "a temporary folder");
    path_ = path;
  }
  ~FolderOfOne() { std::filesystem::remove_all(path_); }
  FolderOfOne(const FolderOfOne&) = delete;

  const std::string& holding(std::string_view bytes) const { return put(name_, bytes), path_; }
  void put(const std::string& name, std::string_view bytes) const {
    std::FILE* file = std::fopen((path_ + "/" + name).c_str(), "wb");
    promise(file && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size(), "room for a file");
    std::fclose(file);
  }

 private:
  std::string name_, path_;
};

}  // namespace

// The tensors of an accepted file lie side by side and fill it.
void safetensors(std::string_view bytes) {
  static MemoryFile file;
  may_refuse({ExitCode::model}, [&] {
    const hub::SafetensorsFile read{open_file(file.holding(bytes))};
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
    std::uint64_t all = 0;
    for (const hub::StoredTensor& t : read.tensors()) {
      std::uint64_t size = std::uint64_t(hub::facts(t.type).bytes);
      for (const std::uint64_t d : t.shape) size *= d;
      promise(t.end - t.begin == size, "a tensor fills its range");
      promise(read.find(t.name) == &t, "a tensor is found by its name");
      if (size > 0) ranges.emplace_back(t.begin, t.end);
      all += size;
    }
    std::sort(ranges.begin(), ranges.end());
    for (std::size_t i = 1; i < ranges.size(); ++i)
      promise(ranges[i].first == ranges[i - 1].second, "tensors lie side by side");
    promise(all < bytes.size(), "tensors lie in the file");
  });
}

// Sizes that are accepted can be computed with, and are read again as they were written.
void config_json(std::string_view bytes) {
  const auto both = {ExitCode::model, ExitCode::memory};
  may_refuse(both, [&] {
    const hub::LlamaConfig c = hub::parse_llama_config(bytes, "c");
    const BlockSizes& b = c.sizes.block;
    promise(b.heads > 0 && b.kv_heads > 0 && b.heads % b.kv_heads == 0 && b.head_dim % 2 == 0, "heads are divisible");
    const BlockSizes again = hub::parse_llama_config(pretty_json(c.raw), "c").sizes.block;
    promise(again.width == b.width && again.heads == b.heads && again.mlp == b.mlp, "what is written is read alike");
  });
  may_refuse(both, [&] {
    const hub::ClipConfig c = hub::parse_clip_config(bytes, "c");
    promise(c.sizes.patches() > 0 && c.sizes.image <= 4096, "a tower sees patches");
  });
  may_refuse(both,
             [&] { promise(hub::parse_llava_config(bytes, "c").vision.sizes.patches() > 0, "a tower sees patches"); });
  may_refuse(both, [&] {
    const image::ClipProcessorFile c = image::parse_clip_processor(bytes, "c");
    promise(c.crop > 0 && c.crop <= c.shortest_edge && c.rescale_factor > 0, "a processor makes pixels");
  });
}

void adapter_config(std::string_view bytes) {
  static const FolderOfOne folder("adapter_config.json");
  static const bool weights = [] {
    const std::string header = R"({"base_model.model.a.q_proj.lora_A.weight":{"dtype":"F32","shape":[1,1],)"
                               R"("data_offsets":[0,4]}})";
    std::string file(8, '\0');
    file[0] = char(header.size());
    folder.put("adapter_model.safetensors", file + header + std::string(4, '\0'));
    return true;
  }();
  may_refuse({ExitCode::model}, [&] {
    promise(weights, "weights are there");
    const Folder f(folder.holding(bytes));
    const hub::AdapterConfig c = hub::read_adapter_config(f, hub::WeightFolder(f, "adapter_model"));
    promise(c.rank > 0 && c.modules == std::vector<std::string>{"a.q_proj"}, "an adapter has a rank and a module");
  });
}

void vltune_json(std::string_view bytes) {
  static const FolderOfOne folder("vltune.json");
  may_refuse({ExitCode::model}, [&] {
    promise(hub::read_vltune_file(Folder(folder.holding(bytes))).max_seq_len >= 2, "a sequence holds two tokens");
  });
}

// Words of a command line, one a line; behind an empty line, a configuration file. What is accepted can be printed, and
// read again as the same options.
void options(std::string_view bytes) {
  using O = program::SftOptions;
  const OptionTable<O> table = program::sft_option_table({"baseline", "mlp", "perceiver", "vit"});
  const std::size_t blank = std::min(bytes.find("\n\n"), bytes.size());
  Words words;
  for (std::size_t at = 0; at < blank;) {
    const std::size_t end = std::min(bytes.find('\n', at), blank);
    words.emplace_back(std::string(bytes.substr(at, end - at)).c_str());  // the system's words end at a NUL
    at = end + 1;
  }
  may_refuse({ExitCode::usage}, [&] {
    O given, again;
    OptionReader<O> reader(table, given);
    reader.command_line(words);
    if (blank < bytes.size()) reader.config_file(bytes.substr(blank + 2), "c.json");
    boost::json::object all = options_json(table, given);
    all.erase("config");
    for (const auto& row : table.rows)
      if (option_value(given, row) == option_value(O{}, row)) all.erase(row.name);
    OptionReader<O>(table, again).config_file(pretty_json(all), "printed.json");
    for (const auto& row : table.rows)
      promise(row.name == "config" || option_value(given, row) == option_value(again, row),
              "options are read as printed");
  });
}

}  // namespace vlt::fuzz
