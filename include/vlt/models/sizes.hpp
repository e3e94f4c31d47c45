#pragma once
#include <array>
#include <vlt/nn/block_sizes.hpp>

// What the parts of a model are made from: numbers alone, so that whoever reads a configuration needs no layer.
namespace vlt {

// Which tokens of the tower the projector reads: all, or those of patches, without the class token. Names are those of
// options and of vltune.json.
enum class FeatureSelect : std::uint8_t { full, patch };
inline constexpr std::array feature_selects{FeatureSelect::full, FeatureSelect::patch};
constexpr const char* name(FeatureSelect s) {
  constexpr const char* names[] = {"full", "patch"};
  return names[std::size_t(s)];
}

// The run-time sizes of a CLIP vision tower; `depth` is the number of layers that run (LLaVA reads the last but one).
struct ClipSizes {
  Index image = 224, patch = 14, depth = 0;
  bool drop_class = false;  // FeatureSelect::patch
  BlockSizes block;
  Index patches() const { return (image / patch) * (image / patch); }
};

// The run-time sizes of a LLaMA-family decoder.
struct LlamaSizes {
  Index vocabulary = 0, depth = 0;
  bool tied = false;  // one matrix for the embedding and the head
  BlockSizes block;
};

// The run-time sizes of a perceiver.
struct PerceiverSizes {
  Index vision_width = 0, text_width = 0;
  Index patches = 0;        // patch tokens per image, a square number
  bool class_token = true;  // does each image begin with the tower's class token? It is dropped and not counted
  Index query_grid = 16;    // grid * grid learned queries

  Index queries() const { return query_grid * query_grid; }
  Index heads() const { return text_width < 256 ? 1 : text_width / 128; }
  bool fits_heads() const { return text_width % 4 == 0 && text_width % heads() == 0; }
  // Side of the square of patches, 0 if they are none.
  Index patch_grid() const {
    Index side = 0;
    while (side * side < patches) ++side;
    return side * side == patches ? side : 0;
  }
};

// What a LLaVA projector has besides its two linear layers.
struct MlpOptions {
  bool bias = true;
  bool newline = false;  // image_newline: LLaVA-NeXT's
};

// The run-time sizes of a projector, whatever its kind.
struct ProjectorSizes {
  Index vision_width = 0, text_width = 0;
  Index patches = 0;        // per image, as they come out of the tower
  bool class_token = true;  // whether the class token comes out before them
  BlockSizes vision_block;  // the tower's block: `vit` has one more of the same sizes
  MlpOptions mlp = {};      // of `mlp`

  Index tower_tokens() const { return patches + (class_token ? 1 : 0); }  // per image
};

}  // namespace vlt
