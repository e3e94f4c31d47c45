#pragma once
#include <vlt/data/feature_cache.hpp>
#include <vlt/data/micro_batch.hpp>

namespace vlt::data {

// Decodes an image and writes what the vision tower reads, (channels * height * width) floats for each of its tiles.
// Throws Error (exit 3) if it cannot. Called from several threads at once.
using PixelReader = std::function<void(const std::string& name, std::span<float> to)>;
// The bytes of an image's file. As above.
using FileReader = std::function<std::string(const std::string& name)>;

// Everything from which samples are made. Loaders share it with their workers and never change it.
struct SampleSource {
  Dataset data;
  SampleBuilder builder;
  PixelReader read_pixels;
  Index floats_per_image = 0;  // as the tower sees one: of a tile
  FileReader read_file = {};   // needed by who has a cache

  // Makes room for the pixels of these samples, and for features if there is a cache, and no more.
  void reserve(std::span<const Index> samples, const FeatureCache* cache, MicroBatch& b) const {
    Index tiles = 0;
    for (const Index sample : samples) tiles += data.sizes.at(std::size_t(sample)).tiles;
    b.pixels.reserve(std::size_t(tiles * floats_per_image));
    if (cache) b.features.reserve(std::size_t(tiles * cache->floats_per_tile()));
  }
  // Appends one sample to a micro-batch, as far as it consists of the records `members`: pixels of its images, or
  // features that the cache knows. On an error the micro-batch is as it was before. reading(record, name) is told
  // before each image.
  template <class Reading>
  void append(Index sample, std::span<const Index> members, text::Encoder& encoder, MicroBatch& b, Reading&& reading,
              FeatureCache* cache = nullptr) const {
    const Record r = data.record_of(sample, members);
    PreparedSample p = builder.prepare(r, encoder);
    const std::size_t before = b.pixels.size(), features = b.features.size(), cached = b.cached.size();
    auto member = members.begin();
    std::size_t of_member = 0;  // images that came before
    try {
      for (std::size_t i = 0; i < p.images.size(); ++i) {
        for (; i - of_member >= data.records.at(std::size_t(*member)).images.size(); ++member)
          of_member += data.records[std::size_t(*member)].images.size();
        reading(*member, p.images[i]);
        const Index tiles = p.sizes.empty() ? 1 : builder.rules().pictures.tiles(p.sizes[i]);
        if (cache && recall(p.images[i], tiles, *cache, b)) continue;
        const auto floats = std::size_t(tiles * floats_per_image);
        b.pixels.resize(b.pixels.size() + floats);
        read_pixels(p.images[i], std::span(b.pixels).last(floats));
      }
    } catch (...) {
      b.pixels.resize(before), b.features.resize(features), b.cached.resize(cached);
      throw;
    }
    b.samples.push_back(std::move(p.sample));
    b.record.push_back(sample);
    b.group.push_back(int(r.place.file));
    b.sizes.insert(b.sizes.end(), p.sizes.begin(), p.sizes.end());
    b.images += Index(p.images.size()), b.tiles += p.tiles, b.tokens += p.tokens, b.supervised += p.supervised;
  }
  // Measures the samples again, after their records got other images than the audit saw.
  void measure() {
    text::Encoder encoder(builder.tokenizer());
    for (std::size_t i = 0; i < data.sizes.size(); ++i)
      data.sizes[i] = size_of(builder.prepare(data.record_of(Index(i)), encoder));
  }
  // Where a record stands, for a message.
  std::string place_of(Index record, const std::string& inside = {}) const {
    const Record& r = data.records.at(std::size_t(record));
    return describe(data.files.at(r.place.file).path, r.place, r.id, inside);
  }

 private:
  // Appends an image's features, or room for them if they are not known.
  bool recall(const std::string& name, Index tiles, FeatureCache& cache, MicroBatch& b) const {
    CachedImage image{cache.key_of(read_file(name)), Index(b.features.size()) / cache.floats_per_tile(), tiles};
    b.features.resize(b.features.size() + std::size_t(tiles * cache.floats_per_tile()));
    image.known = cache.find(image.key, std::span(b.features).last(std::size_t(tiles * cache.floats_per_tile())));
    b.cached.push_back(image);
    return image.known;
  }
};

}  // namespace vlt::data
