#pragma once
#include <vlt/simt/strided.hpp>
#include <vlt/simt/vocabulary.hpp>

namespace vlt::ops::kernel {

// What each row of logits says about its target, and the gradient: loss = -log softmax(logits)[target],
// dlogits = scale (softmax(logits) - onehot(target)). One block a row, which it reads twice: the largest logit and the
// sum of exponentials are formed in one pass, the sum rescaled when a larger logit comes (Milakov, Gimelshein 2018).
// dlogits may be `logits` itself if their types agree (barriers of the reductions stand between the last look at other
// threads' logits and the first write), or be left out.
template <class A, class T> struct SoftmaxCrossEntropy {
  static constexpr int threads = 256, width = simt::vector_length<A, T>;
  using Walk = simt::RowWalk<threads, width>;

  simt::Strided<const A> logits;  // (rows, vocabulary)
  const Index* target;            // (rows)
  simt::Strided<T> dlogits;       // (rows, vocabulary), or none
  double* losses;                 // (rows), not scaled
  std::uint8_t* hits;             // (rows), or null: has the target the largest logit (the first one, of equals)?
  Index rows;
  int vocabulary;
  float scale;

  simt::Grid grid() const { return {simt::blocks_for(rows, 1)}; }
  struct Shared {
    float *partial, *more;
  };
  template <class Arena> VLT_SIMT Shared carve(Arena& arena) const {
    float* const partial = arena.template take<float>(threads / simt::warp_size);
    return {partial, arena.template take<float>(threads / simt::warp_size)};
  }

  VLT_SIMT void operator()() const {
    simt::SharedArena arena;
    const Shared shared = carve(arena);
    const Index row = simt::block_x();
    if (row >= rows) return;
    const A* const z = logits.row(row);
    const int wanted = int(target[row]);
    const float at_target = simt::widen(z[wanted]);
    float top = -simt::infinity(), sum = 0;
    for (int c = Walk::first(simt::thread_index()); c < vocabulary; c += Walk::step) add(z, c, top, sum);
    const float highest = simt::reduce_block<threads, simt::Largest>(top, shared.partial);
    sum = top == -simt::infinity() ? 0 : sum * simt::exp(top - highest);
    sum = simt::reduce_block<threads, simt::Sum>(sum, shared.more);
    if (hits) {
      const float before = simt::reduce_block<threads, simt::Sum>(count_before(z, wanted, highest), shared.partial);
      if (simt::thread_index() == 0) hits[row] = at_target == highest && before == 0;
    }
    if (simt::thread_index() == 0) losses[row] = double(highest) - double(at_target) + double(simt::log(sum));
    if (!dlogits.data) return;
    write_gradient(row, wanted, highest, 1 / sum);
  }

 private:
  // Joins one vector's logits to the largest so far and the sum of exp(logit - largest).
  VLT_SIMT void add(const A* z, int c, float& top, float& sum) const {
    const auto v = simt::load_row<width>(z + c, vocabulary - c, -simt::infinity());
    float higher = top;
    VLT_UNROLL
    for (int i = 0; i < width; ++i) higher = simt::larger(higher, v[i]);
    if (higher == -simt::infinity()) return;
    sum *= simt::exp(top - higher);
    VLT_UNROLL
    for (int i = 0; i < width; ++i) sum += simt::exp(v[i] - higher);
    top = higher;
  }
  VLT_SIMT float count_before(const A* z, int wanted, float highest) const {
    float count = 0;
    for (int c = int(simt::thread_index()); c < wanted; c += threads)
      count += simt::widen(z[c]) == highest ? 1.0f : 0.0f;
    return count;
  }
  VLT_SIMT void write_gradient(Index row, int wanted, float highest, float share) const {
    const A* const z = logits.row(row);
    for (int c = Walk::first(simt::thread_index()); c < vocabulary; c += Walk::step) {
      auto v = simt::load_row<width>(z + c, vocabulary - c);
      VLT_UNROLL
      for (int i = 0; i < width; ++i)
        v[i] = scale * (simt::exp(v[i] - highest) * share - (c + i == wanted ? 1.0f : 0.0f));
      simt::store_row(dlogits.row(row) + c, v, vocabulary - c);
    }
  }
};

}  // namespace vlt::ops::kernel
