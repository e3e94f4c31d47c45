#pragma once
#include <vlt/data/micro_batch.hpp>

namespace vlt {

// Decodes an image and writes what the vision tower reads, (channels * height * width) floats. Throws Error (exit 3) if
// it cannot. Called from several threads at once.
using PixelReader = std::function<void(const std::string& name, std::span<float> to)>;

// Everything from which samples are made. Loaders share it with their workers and never change it.
struct SampleSource {
  Dataset data;
  SampleBuilder builder;
  PixelReader read_pixels;
  Index floats_per_image = 0;

  // Makes room for the pixels of these records, and no more.
  void reserve(std::span<const Index> records, MicroBatch& b) const {
    Index images = 0;
    for (const Index record : records) images += data.sizes.at(std::size_t(record)).images;
    b.pixels.reserve(std::size_t(images * floats_per_image));
  }
  // Appends one record to a micro-batch. On an error the micro-batch is as it was before.
  // reading(name) is told before each image.
  template <class Reading> void append(Index record, Encoder& encoder, MicroBatch& b, Reading&& reading) const {
    const Record& r = data.records.at(std::size_t(record));
    PreparedSample p = builder.prepare(r, encoder);
    const std::size_t before = b.pixels.size(), each = std::size_t(floats_per_image);
    try {
      for (const std::string& name : p.images) {
        reading(name);
        b.pixels.resize(b.pixels.size() + each);
        read_pixels(name, std::span(b.pixels).last(each));
      }
    } catch (...) {
      b.pixels.resize(before);
      throw;
    }
    b.samples.push_back(std::move(p.sample));
    b.record.push_back(record);
    b.group.push_back(int(r.place.file));
    b.images += Index(p.images.size()), b.tokens += p.tokens, b.supervised += p.supervised;
  }
  // Where a record stands, for a message.
  std::string place_of(Index record, const std::string& inside = {}) const {
    const Record& r = data.records.at(std::size_t(record));
    return describe(data.files.at(r.place.file).path, r.place, r.id, inside);
  }
};

}  // namespace vlt
