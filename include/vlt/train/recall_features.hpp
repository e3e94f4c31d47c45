#pragma once
#include <vlt/data/loader.hpp>
#include <vlt/dist/world.hpp>
#include <vlt/train/pack.hpp>

namespace vlt {

// Looks once more for features that were computed since the loader looked; the pixels of what is found are given up.
// After the first epoch everything is known then, however far loaders read ahead.
inline void recall_features(data::FeatureCache& cache, data::MicroBatch& b, Index floats_per_image) {
  auto pixels = b.pixels.begin();
  for (data::CachedImage& image : b.cached) {
    if (image.known) continue;
    const Index floats = cache.floats_per_tile();
    const auto to = std::span(b.features).subspan(std::size_t(image.tile * floats), std::size_t(image.tiles * floats));
    const auto end = pixels + image.tiles * floats_per_image;
    if (image.known = cache.find(image.key, to); image.known) b.pixels.erase(pixels, end);
    else pixels = end;
  }
}

// Keeps what the tower has made of a micro-batch.
inline void keep_features(data::FeatureCache& cache, const data::MicroBatch& b) {
  const Index floats = cache.floats_per_tile();
  for (const data::CachedImage& image : b.cached)
    if (!image.known)
      cache.keep(image.key,
                 std::span(b.features).subspan(std::size_t(image.tile * floats), std::size_t(image.tiles * floats)));
}

// Packs what a loader made; with a cache the tower sees what no process has seen before. Collective if there is one.
template <class Model>
Batch pack(const Model& model, data::MicroBatch& b, const data::Loader& loader, dist::World& world) {
  data::FeatureCache* cache = loader.features();
  if (cache) recall_features(*cache, b, loader.source().floats_per_image);
  Batch batch = pack(model, b, loader.source().builder);
  if (!cache) return batch;
  std::vector<bool> known;
  for (const data::CachedImage& image : b.cached) known.insert(known.end(), std::size_t(image.tiles), image.known);
  Index seen = b.tower_tiles();
  world.all_reduce_sum(std::span(&seen, 1));
  model.know_features(batch, known, b.features.data(), seen > 0);
  return batch;
}

}  // namespace vlt
