#pragma once
#include <algorithm>
#include <utility>
#include <vector>
#include <vlt/nn/kv_cache.hpp>
#include <vlt/nn/unit.hpp>

namespace vlt {

// The same block many times: depth is data, the block is compiled once. Each block is a unit.
template <class Block> struct Stack {
  using element = Block;
  using in = typename Block::in;
  using out = typename Block::out;
  static_assert(check_layer<Block>::ok);
  static_assert(std::is_same_v<in, out>, "vlt: a Stack needs a block whose input and output types are the same");
  struct saved {
    std::vector<typename Block::saved> block;
    std::vector<Arena::Mark> before;
  };

  std::vector<Unit<Block>> blocks;

  Stack() = default;
  template <class Sizes> Stack(Index depth, const Sizes& c) {
    for (Index i = 0; i < depth; ++i) blocks.push_back({Block(c)});
  }
  static constexpr auto fields() { return members(); }
  Shape out_shape(Shape i) const { return i; }

  // Blocks before `first` leave nothing for backward, which then ends there: nothing in front of it is to be learnt.
  void forward(Scope& s, in x, out y, saved& k, std::size_t first = 0) {
    k.block.resize(blocks.size()), k.before.resize(blocks.size());
    if (blocks.empty()) ops::convert(s, x, y);
    if (first > 0) {
      const out to = first == blocks.size() ? y : s.keep<out>(x.shape(), x.segments);
      through(s, x, to, first, [&](Block& b, std::size_t, in from, out next) { vlt::infer(s, b, from, next); });
      x = to;
    }
    for (std::size_t i = first; i < blocks.size(); ++i) {
      const out to = i + 1 == blocks.size() ? y : s.keep<out>(x.shape(), x.segments);
      k.before[i] = s.arena().mark();
      blocks[i].use(s, [&](Block& b) { b.forward(s, x, to, k.block[i]); });
      x = to;
    }
  }
  // Two buffers take turns; what a block kept is released as soon as its backward is done.
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k, std::size_t first = 0) {
    Frame frame(s);
    if (blocks.empty()) return copy_or_add(s, dy, dx);
    in turn[2];
    for (std::size_t i = 0; i < 2 && first + i + 1 < blocks.size(); ++i) turn[i] = s.temp<in>(dy.shape(), dy.segments);
    for (std::size_t i = blocks.size(); i-- > first; std::swap(turn[0], turn[1])) {
      blocks[i].finish(s, [&](Block& b) {
        if (i > first) b.backward(s, dy, overwrite(turn[0]), k.block[i]);
        else b.backward(s, dy, dx, k.block[i]);
      });
      s.arena().release_keep(k.before[i]);
      dy = turn[0];
    }
  }
  // Memory: two buffers and one block, whatever the depth.
  void infer(Scope& s, in x, out y) {
    through(s, x, y, blocks.size(), [&](Block& b, std::size_t, in from, out to) { vlt::infer(s, b, from, to); });
  }
  // The next rows of the cache's sequence: those that were appended to it last.
  template <Precision F, Device D>
  void extend(Scope& s, in x, out y,
              KeyValueCache<F, D>& cache) requires Decodable<Block, typename KeyValueCache<F, D>::Layer> {
    through(s, x, y, blocks.size(),
            [&](Block& b, std::size_t i, in from, out to) { b.extend(s, from, to, cache.layer(Index(i))); });
  }

  template <class R> void collect(R& registry, const std::string& path) {
    for (std::size_t i = 0; i < blocks.size(); ++i) vlt::collect(blocks[i], registry, join(path, std::to_string(i)));
  }
  bool trains() const { return first_trained() < blocks.size(); }
  // The first block that trains, or their number.
  std::size_t first_trained() const {
    const auto at = std::find_if(blocks.begin(), blocks.end(), [](const auto& b) { return b.trains(); });
    return std::size_t(at - blocks.begin());
  }

 private:
  // Calls f(block, number, from, to) for the first `count` blocks from x to y; two buffers take turns in between.
  template <class F> void through(Scope& s, in x, out y, std::size_t count, F&& f) {
    Frame frame(s);
    if (count == 0) return ops::convert(s, x, y);
    in turn[2];
    for (std::size_t i = 0; i < 2 && i + 1 < count; ++i) turn[i] = s.temp<in>(x.shape(), x.segments);
    for (std::size_t i = 0; i < count; ++i, std::swap(turn[0], turn[1])) {
      const out to = i + 1 == count ? y : turn[0];
      blocks[i].use(s, [&](Block& b) { f(b, i, x, to); });
      x = to;
    }
  }
  template <class Dx> static void copy_or_add(Scope& s, out dy, Dx dx) {
    if constexpr (wanted<Dx>) dx.beta != 0 ? ops::add(s, dy, dx.m) : ops::convert(s, dy, dx.m);
  }
};

}  // namespace vlt
