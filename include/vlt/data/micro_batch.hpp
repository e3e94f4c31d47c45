#pragma once
#include <vlt/data/audit.hpp>

namespace vlt::data {

// A record that failed only while its image was decoded.
struct LostSample {
  Index record;
  Complaint complaint;
};

// An image of a micro-batch whose features are kept (FeatureCache).
struct CachedImage {
  std::string key;
  Index tile = 0, tiles = 0;  // the first, and how many
  bool known = false;         // its features are there; else its pixels are
};

// What one forward and backward pass reads: samples and the pixels of their images, one after another.
struct MicroBatch {
  std::vector<Sample> samples;
  std::vector<Index> record;        // of each sample: its number in the data set
  std::vector<int> group;           // of each sample: its file
  std::vector<float> pixels;        // (tower_tiles(), channels * height * width): of the images, one after another
  std::vector<image::Size> sizes;   // of each image, if its layout depends on it
  std::vector<CachedImage> cached;  // all images, if there is a cache for features
  std::vector<float> features;      // (tiles, floats of a tile): of those that are known, and room for the others
  Index images = 0, tiles = 0;
  Index tokens = 0;              // of the spliced sequences
  Index supervised = 0;          // of these, how many are learnt
  std::vector<LostSample> lost;  // left out under --on_bad_sample skip; all samples may be

  void clear() {
    samples.clear(), record.clear(), group.clear(), pixels.clear(), sizes.clear(), lost.clear();
    cached.clear(), features.clear();
    images = tiles = tokens = supervised = 0;
  }
  // Tiles that the tower sees: their features are not known.
  Index tower_tiles() const {
    Index n = tiles;
    for (const CachedImage& image : cached) n -= image.known ? image.tiles : 0;
    return n;
  }
};

// How large micro-batches are.
struct MicroBatchSize {
  Index sequences = 0, tokens = 0, supervised = 0, images = 0, longest = 0;
  Index tiles = 0;  // what the vision tower sees of the images

  void add(const SampleSize& s) {
    ++sequences, tokens += s.tokens, supervised += s.supervised, images += s.images, tiles += s.tiles;
    longest = std::max<Index>(longest, s.tokens);
  }
  void cover(const MicroBatchSize& b) {
    sequences = std::max(sequences, b.sequences), tokens = std::max(tokens, b.tokens);
    supervised = std::max(supervised, b.supervised), images = std::max(images, b.images);
    longest = std::max(longest, b.longest), tiles = std::max(tiles, b.tiles);
  }
};

}  // namespace vlt::data
