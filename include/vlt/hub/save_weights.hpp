#pragma once
#include <functional>
#include <map>
#include <vlt/hub/load_weights.hpp>
#include <vlt/hub/safetensors_writer.hpp>
#include <vlt/io/pretty_json.hpp>

namespace vlt::hub {

// A tensor to save: its name, type and shape, and who appends its numbers.
struct SavedTensor {
  TensorPlan plan;
  std::function<void(SafetensorsWriter&)> append;
};

namespace saving {

// Appends a part of a parameter, in blocks of rows.
template <class Store> void append_part(Store& store, int param, const Part& part, SafetensorsWriter& to) {
  const auto& p = store.registry().params[std::size_t(param)];
  const Index cols = p.value->cols;
  std::vector<float> block;
  if (p.one_dimensional()) {
    block.resize(std::size_t(cols));
    store.read(param, 0, block);
    return to.append(std::span<const float>(block).subspan(std::size_t(part.row), std::size_t(part.rows)));
  }
  const Index rows_at_once = std::max<Index>(1, (Index(1) << 18) / cols);
  for (Index row = 0; row < part.rows; row += rows_at_once) {
    block.resize(std::size_t(std::min(rows_at_once, part.rows - row) * cols));
    store.read(param, part.row + row, block);
    to.append(block);
  }
}

}  // namespace saving

// The tensors of one component, or of all, as a checkpoint has them: its own weights, or its adapters only. The
// store must outlive the list.
template <class Store>
std::vector<SavedTensor> saved_tensors(Store& store, std::optional<ComponentKind> component, const NameMap& stored_as,
                                       StoredType type, Which which = Which::base) {
  std::vector<SavedTensor> out;
  const auto& params = store.registry().params;
  for (std::size_t i = 0; i < params.size(); ++i)
    if ((!component || params[i].component == component) && params[i].adapter == (which == Which::adapters))
      for (const Part& part : params[i].parts)
        out.push_back({{stored_as(part.name), type, checkpoint_shape(params[i], part)},
                       [&store, i, &part](SafetensorsWriter& to) { saving::append_part(store, int(i), part, to); }});
  return out;
}

// Tensors that were kept from the folder the model came from, in the type that the rest is saved in.
inline void add_kept(std::vector<SavedTensor>& list, const std::vector<KeptTensor>& kept, StoredType type) {
  for (const KeptTensor& k : kept) {
    const StoredTensor& t = *k.place.tensor;
    const bool real = facts(t.type).real;
    list.push_back({{t.name, real ? type : t.type, t.shape}, [k, real](SafetensorsWriter& to) {
                      const StoredTensor& tensor = *k.place.tensor;
                      const std::uint64_t at_once = 1 << 18;
                      std::vector<float> numbers;
                      std::vector<char> bytes;
                      for (std::uint64_t at = 0; real && at < tensor.size(); at += at_once) {
                        numbers.resize(std::size_t(std::min(at_once, tensor.size() - at)));
                        k.place.file->read(tensor, at, numbers);
                        to.append(numbers);
                      }
                      const std::uint64_t size = real ? 0 : tensor.end - tensor.begin;
                      for (std::uint64_t at = 0; at < size; at += at_once) {
                        bytes.resize(std::size_t(std::min(at_once, size - at)));
                        k.place.file->read_bytes(tensor, at, bytes);
                        to.append_bytes(bytes);
                      }
                    }});
  }
}

inline constexpr std::uint64_t shard_bytes = 5000000000;

// Writes stem.safetensors, or several shards below `limit` bytes and their index. Each file is complete or absent.
inline void write_weights(const std::string& folder, const std::string& stem, std::vector<SavedTensor> list,
                          std::uint64_t limit = shard_bytes) {
  std::sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.plan.name < b.plan.name; });
  std::vector<TensorPlan> plans;
  std::uint64_t total = 0;
  for (const SavedTensor& t : list) plans.push_back(t.plan), total += t.plan.bytes();
  const auto shards = plan_shards(plans, limit);
  boost::json::object map;
  std::size_t next = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    char number[32] = "";
    if (shards.size() > 1) std::snprintf(number, sizeof number, "-%05zu-of-%05zu", i + 1, shards.size());
    const std::string name = stem + number + ".safetensors";
    SafetensorsWriter file(folder + "/" + name, shards[i]);
    for (const TensorPlan& plan : shards[i]) {
      list[next++].append(file);
      map[plan.name] = name;
    }
    file.commit();
  }
  if (shards.size() > 1)
    write_file(folder + "/" + stem + ".safetensors.index.json",
               pretty_json(boost::json::object{{"metadata", {{"total_size", total}}}, {"weight_map", map}}));
}

}  // namespace vlt::hub
