#pragma once
#include <vlt/base/rng.hpp>
#include <vlt/hub/stored_type.hpp>
#include <vlt/pretrained/model_description.hpp>
#include <vlt/pretrained/model_kinds.hpp>
#include <vlt/tensor/workspace.hpp>

namespace vlt {

namespace probe {

inline constexpr Index words = 48, compared = 32;  // tokens of the probe; rows of logits, its last ones

inline Sample sample(const ModelDescription& m, Index image) {
  const RandomStream random{1, stream_of("probe.words")};
  Sample s;
  s.id.push_back(image);
  for (std::uint64_t i = 0; Index(s.id.size()) < words; ++i)
    if (const Index id = Index(random.below(i, std::uint64_t(m.tokenizer->size()))); id != image) s.id.push_back(id);
  s.label.assign(s.id.size(), -1);
  return s;
}
inline std::vector<float> noise(Index count) {
  const RandomStream random{1, stream_of("probe.pixels")};
  std::vector<float> pixels;
  for (Index i = 0; i < count; ++i) pixels.push_back(float(random.normal(std::uint64_t(i))));
  return pixels;
}

}  // namespace probe

// Logits of a fixed sequence, (32, vocabulary): a picture of noise, then words drawn at random. Two forms of one model
// must agree on them.
template <IsPolicy P> std::vector<float> probe_logits(AnyVlm<P>& model, Threads& threads, const ModelDescription& m) {
  const Index image = m.tokenizer->id(m.chat_template.mark), side = m.vision_sizes.image;
  std::vector<float> pixels = probe::noise(3 * side * side);
  Segments one;
  one.append(1, TokenKind::image);
  const Batch batch = model.batch(std::move(one), {probe::sample(m, image)}, image);
  std::vector<Index> row;
  for (Index r = batch.text.rows() - probe::compared; r < batch.text.rows(); ++r) row.push_back(r);
  std::vector<float> logits(row.size() * std::size_t(model.language.vocabulary()));
  const auto x = borrow_host<typename AnyVlm<P>::host_pixels>(pixels.data(), 1, Index(pixels.size()));
  constexpr Device D = P::device;
  run_in_own_memory<D>(threads, [&](Scope& s) {
    Frame frame(s);
    const auto y = s.temp<typename AnyVlm<P>::tokens>({batch.text.rows(), model.language.width()});
    const auto out = s.temp<typename AnyLanguage<P>::logits_t>({Index(row.size()), model.language.vocabulary()});
    model.hidden(s, x, batch, y);
    model.language.logits(s, y, upload<D>(s, row), out);
    download(s, out, logits);
  });
  return logits;
}

// |a - b| / |a| in the 2-norm.
inline double relative_difference(std::span<const float> a, std::span<const float> b) {
  require(a.size() == b.size(), "logits of two models with other vocabularies cannot be compared");
  double apart = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    apart += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
    size += double(a[i]) * a[i];
  }
  return std::sqrt(apart) / std::sqrt(size);
}

// How far logits may move when weights are rounded to a type: 16 of its unit roundoffs, since errors grow on their way
// through the layers.
constexpr double rounding_difference(hub::StoredType type) {
  return 16 * (type == hub::StoredType::bf16 ? 0x1p-8 : type == hub::StoredType::f16 ? 0x1p-11 : 0x1p-24);
}

}  // namespace vlt
