#pragma once
#include <vlt/data/micro_batch.hpp>

namespace vlt::data {

// Decodes an image and writes what the vision tower reads, (channels * height * width) floats for each of its tiles.
// Throws Error (exit 3) if it cannot. Called from several threads at once.
using PixelReader = std::function<void(const std::string& name, std::span<float> to)>;

// Everything from which samples are made. Loaders share it with their workers and never change it.
struct SampleSource {
  Dataset data;
  SampleBuilder builder;
  PixelReader read_pixels;
  Index floats_per_image = 0;  // as the tower sees one: of a tile

  // Makes room for the pixels of these records, and no more.
  void reserve(std::span<const Index> records, MicroBatch& b) const {
    Index tiles = 0;
    for (const Index record : records) tiles += data.sizes.at(std::size_t(record)).tiles;
    b.pixels.reserve(std::size_t(tiles * floats_per_image));
  }
  // Appends one record to a micro-batch. On an error the micro-batch is as it was before.
  // reading(name) is told before each image.
  template <class Reading> void append(Index record, text::Encoder& encoder, MicroBatch& b, Reading&& reading) const {
    const Record& r = data.records.at(std::size_t(record));
    PreparedSample p = builder.prepare(r, encoder);
    const std::size_t before = b.pixels.size();
    try {
      for (std::size_t i = 0; i < p.images.size(); ++i) {
        reading(p.images[i]);
        const Index tiles = p.sizes.empty() ? 1 : builder.rules().pictures.tiles(p.sizes[i]);
        const auto floats = std::size_t(tiles * floats_per_image);
        b.pixels.resize(b.pixels.size() + floats);
        read_pixels(p.images[i], std::span(b.pixels).last(floats));
      }
    } catch (...) {
      b.pixels.resize(before);
      throw;
    }
    b.samples.push_back(std::move(p.sample));
    b.record.push_back(record);
    b.group.push_back(int(r.place.file));
    b.sizes.insert(b.sizes.end(), p.sizes.begin(), p.sizes.end());
    b.images += Index(p.images.size()), b.tiles += p.tiles, b.tokens += p.tokens, b.supervised += p.supervised;
  }
  // Measures the samples again, after their records got other images than the audit saw.
  void measure() {
    text::Encoder encoder(builder.tokenizer());
    for (std::size_t i = 0; i < data.sizes.size(); ++i)
      data.sizes[i] = size_of(builder.prepare(data.records[i], encoder));
  }
  // Where a record stands, for a message.
  std::string place_of(Index record, const std::string& inside = {}) const {
    const Record& r = data.records.at(std::size_t(record));
    return describe(data.files.at(r.place.file).path, r.place, r.id, inside);
  }
};

}  // namespace vlt::data
