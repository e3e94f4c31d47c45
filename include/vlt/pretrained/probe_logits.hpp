#pragma once
#include <vlt/base/rng.hpp>
#include <vlt/hub/stored_type.hpp>
#include <vlt/pretrained/model_description.hpp>
#include <vlt/pretrained/model_kinds.hpp>
#include <vlt/tensor/buffer.hpp>

namespace vlt {

// Runs pass(Scope&) twice: to learn how much memory it needs, and in that memory.
template <Device D, class Pass> void run_in_own_memory(Threads& threads, Pass&& pass) {
  Arena plan;
  Scope planned(plan, threads);
  pass(planned);
  const Buffer<std::byte, D> memory{Index(plan.peak())};
  Arena arena(memory);
  Scope s(arena, threads);
  pass(s);
}

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
  run_in_own_memory<P::device>(threads, [&](Scope& s) {
    Frame frame(s);
    const auto x = borrow_host<typename AnyVlm<P>::pixels>(pixels.data(), 1, Index(pixels.size()));
    const auto y = s.temp<typename AnyVlm<P>::tokens>({batch.text.rows(), model.language.width()}, &batch.text);
    model.hidden(s, x, batch, y);
    using Logits = typename AnyLanguage<P>::logits_t;
    const auto out = borrow_host<Logits>(logits.data(), Index(row.size()), model.language.vocabulary());
    model.language.logits(s, y, row, out);
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
constexpr double rounding_difference(StoredType type) {
  return 16 * (type == StoredType::bf16 ? 0x1p-8 : type == StoredType::f16 ? 0x1p-11 : 0x1p-24);
}

}  // namespace vlt
