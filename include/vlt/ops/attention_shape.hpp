#pragma once
#include <cmath>
#include <vlt/tensor/segments_view.hpp>

namespace vlt::ops {

// The sizes of one attention call; queries and keys may belong to batches of different lengths (perceiver, KV cache),
// but have the same number of sequences: query sequence i reads key sequence i.
template <Device D> struct AttentionShape {
  Index heads, kv_heads, head_dim;
  SegmentsView<D> queries, keys;

  double scale() const { return 1 / std::sqrt(double(head_dim)); }
  double pairs() const {
    double n = 0;
    for (Index i = 0; i < queries.sequences(); ++i)
      n += double(queries.end(i) - queries.begin(i)) * double(keys.end(i) - keys.begin(i));
    return n * double(heads);
  }
  Index kv_head_of(Index head) const { return head / (heads / kv_heads); }
};

}  // namespace vlt::ops
