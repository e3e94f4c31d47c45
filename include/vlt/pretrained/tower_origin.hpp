#pragma once
#include <vlt/cpu/simd.hpp>
#include <vlt/dist/gather_texts.hpp>
#include <vlt/dist/shared_values.hpp>
#include <vlt/image/decode.hpp>
#include <vlt/io/file_hash.hpp>
#include <vlt/pretrained/model_description.hpp>
#include <vlt/pretrained/model_kinds.hpp>

namespace vlt {

// All that the features of a picture depend on besides its file, as one hash: how pictures are decoded and prepared,
// which part of the tower runs, its weights, and the arithmetic. The same on every rank. Collective.
template <IsPolicy P> std::string tower_origin(const ModelDescription& m, store_t<P>& store, dist::World& world) {
  StreamHash hash;
  for (const std::string& part : {image::ImageDecoder::id(), m.processor_text, boost::json::serialize(m.vision.raw),
                                  std::to_string(m.vision_sizes.depth), std::string(name(m.feature_select())),
                                  std::string(name(P::precision)), std::string(instruction_set())})
    hash.add(part).add("\n");
  dist::SharedValues(store, world).on_rank_0([&] {
    const auto& params = store.registry().params;
    std::vector<float> rows;
    for (int i = 0; i < int(params.size()); ++i) {
      const auto& p = params[std::size_t(i)];
      if (p.component != ComponentKind::vision) continue;
      const Index count = p.value->rows, cols = p.value->cols, at_once = std::max<Index>(1, (1 << 20) / cols);
      hash.add(p.name() + " " + std::to_string(count) + " " + std::to_string(cols) + "\n");
      for (Index row = 0; row < count; row += at_once) {
        rows.resize(std::size_t(std::min(at_once, count - row) * cols));
        store.read(i, row, rows);
        hash.add({reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(float)});
      }
    }
  });
  return dist::gather_texts(world, hash.text()).front();
}

}  // namespace vlt
