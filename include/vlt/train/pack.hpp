#pragma once
#include <vlt/data/sample_source.hpp>
#include <vlt/models/vlm.hpp>

namespace vlt {

// Packs what a loader made into what a model reads.
template <class Model> Batch pack(const Model& model, const data::MicroBatch& b, const data::SampleBuilder& builder) {
  Segments images;
  images.append(b.tiles, TokenKind::image);
  std::vector<ImageLayout> layouts;
  for (const image::Size size : b.sizes) layouts.push_back(builder.rules().pictures.layout(size));
  return model.batch(std::move(images), b.samples, builder.image_id(), b.group, layouts);
}
template <class Model> typename Model::host_pixels pixels_of(data::MicroBatch& b, Index floats_per_image) {
  return borrow_host<typename Model::host_pixels>(b.pixels.data(), b.tower_tiles(), floats_per_image);
}

}  // namespace vlt
