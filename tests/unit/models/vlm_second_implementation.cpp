// The library against plain.hpp, which shares no code with it: tower, projector, splicing, decoder with both masks.
#include <catch2/catch.hpp>
#include "plain.hpp"
#include "small_model.hpp"
using namespace vlt;

namespace {

template <class R> plain::Weights weights_of(const R& registry) {
  plain::Weights w;
  for (const auto& p : registry.params)
    for (const Part& part : p.parts) {
      const Index rows = p.one_dimensional() ? 1 : part.rows, cols = p.size(part) / rows;
      const double* at = p.value->data + p.first(part);
      for (Index r = 0; r < rows; ++r) w[part.name].push_back(plain::Row(at + r * cols, at + (r + 1) * cols));
    }
  return w;
}

struct Spliced {
  plain::Rows x;
  std::vector<bool> image;          // is this row a picture's?
  std::vector<std::size_t> row_of;  // the row of each id, the last one of a picture's
};
// Embeddings of one conversation, pictures in the place of their marks; `next` counts pictures over the batch.
Spliced splice(const Sample& sample, const std::vector<plain::Rows>& pictures, std::size_t& next,
               const plain::Weights& w) {
  Spliced s;
  for (Index id : sample.id) {
    if (id == image_id) {
      for (const plain::Row& token : pictures[next++]) s.x.push_back(token), s.image.push_back(true);
    } else {
      s.x.push_back(w.at("model.embed_tokens.weight")[std::size_t(id)]), s.image.push_back(false);
    }
    s.row_of.push_back(s.x.size() - 1);
  }
  return s;
}

template <class Mask> void compare(bool tied, int softmaxes, auto&& visible_in) {
  using Decoder = LlamaDecoder<Gold, LlamaBlock<Gold, Mask>>;
  auto model = small_model<ClipVit<Gold>, Decoder>(small_tower(), tied);
  auto registry = registry_of<Gold>(model);
  testing::LooseParameters memory(registry, 7);
  const plain::Weights w = weights_of(registry);
  Pictures pixels(3);
  const Batch b = model.batch(equal_segments(3, 1), conversations(), image_id);
  const Outcome o = run(model, b, pixels, registry);

  std::vector<plain::Rows> pictures;
  for (std::size_t i = 0; i < 3; ++i) {
    const plain::Row one(pixels.values.begin() + long(i) * 192, pixels.values.begin() + long(i + 1) * 192);
    plain::Rows tokens = plain::clip(one, 8, 4, w, {2, 3, 0.05, 0, 1});
    for (plain::Row& t : tokens)
      t = plain::layer_norm(plain::linear(t, w, "projection.0"), w.at("projection.1.weight")[0],
                            w.at("projection.1.bias")[0], 1e-12);
    pictures.push_back(tokens);
  }
  double loss = 0;
  std::size_t next = 0;
  for (const Sample& sample : conversations()) {
    const Spliced s = splice(sample, pictures, next, w);
    const plain::Rows y = plain::llama(s.x, w, {2, 2, 0.05, 100, softmaxes}, visible_in(s.image));
    for (std::size_t t = 1; t < sample.id.size(); ++t) {
      if (sample.label[t] < 0) continue;
      const plain::Row n = plain::rms_norm(y[s.row_of[t - 1]], w.at("model.norm.weight")[0], 0.05);
      plain::Row logits;
      for (const plain::Row& v : w.at(tied ? "model.embed_tokens.weight" : "lm_head.weight")) {
        logits.push_back(0);
        for (std::size_t i = 0; i < n.size(); ++i) logits.back() += v[i] * n[i];
      }
      double sum = 0;
      for (double z : logits) sum += std::exp(z);
      loss += std::log(sum) - logits[std::size_t(sample.label[t])];
    }
  }
  CHECK(o.sums.total() == Approx(0.3 * loss).epsilon(1e-12));
}

}  // namespace

TEST_CASE("causal attention") {
  for (bool tied : {false, true})
    compare<mask::Causal>(tied, 1, [](const std::vector<bool>&) -> plain::Visible {
      return [](int, std::size_t query, std::size_t key) { return key <= query; };
    });
}

TEST_CASE("multi-modal causal attention: images see themselves, text has a softmax for text and one for images") {
  compare<mask::Mmca>(false, 2, [](const std::vector<bool>& image) -> plain::Visible {
    return [&image](int softmax, std::size_t query, std::size_t key) {
      if (image[query]) return softmax == 0 && key == query;
      return key <= query && image[key] == (softmax == 1);
    };
  });
}
