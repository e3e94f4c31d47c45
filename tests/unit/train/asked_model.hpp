#pragma once
#include <unit/device.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/pretrained/make_language.hpp>
#include <vlt/pretrained/make_projector.hpp>
#include <vlt/pretrained/make_vision.hpp>
#include <vlt/train/generate.hpp>

// A small model to be asked, and questions about pictures of 8 x 8.
namespace asked_model {
using namespace vlt;

using P = Policy<under_test, Precision::f32>;
constexpr Index picture = 30;  // no word: the model cannot say it

inline BlockSizes block(bool bias) {
  BlockSizes b;
  b.width = 16, b.heads = b.kv_heads = 2, b.head_dim = 8, b.mlp = 24;
  b.qkv_bias = b.output_bias = b.mlp_bias = bias;
  return b;
}
inline AnyVlm<P> small_model() {
  ClipSizes vision;
  vision.image = 8, vision.patch = 4, vision.depth = 1, vision.block = block(true);
  LlamaSizes language;
  language.vocabulary = 30, language.depth = 2, language.block = block(false);
  language.block.rope = Rope::plain(8, 10000);
  return {make_vision<P>(vision, false), make_projector<P, BaselineKind>({16, 16, 4, true, vision.block}),
          make_language<P, LlamaFamily, MaskKind::mmca>(language, false)};
}
// These tokens, `picture` wherever one stands.
inline Prompt asked(std::vector<Index> ids) {
  Prompt p;
  p.sample.id = std::move(ids);
  p.sample.label.assign(p.sample.id.size(), -1);
  p.layouts.assign(std::size_t(std::count(p.sample.id.begin(), p.sample.id.end(), picture)), ImageLayout::plain(5));
  for (int i = 0; i < int(p.layouts.size()) * 3 * 64; ++i) p.pixels.push_back(float(i % 11) / 11 - float(i % 7) / 7);
  return p;
}

}  // namespace asked_model
