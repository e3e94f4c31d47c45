#pragma once
#include <vector>
#include <vlt/base/error.hpp>
#include <vlt/tensor/scope.hpp>

namespace vlt {

// What one attention layer remembers of a sequence: its keys and values, a row per position, and which positions are
// filled (those of the call in progress included).
template <class T, Device D> struct KvLayer {
  Matrix<T, D> k, v;  // (capacity, kv_heads * head_dim)
  const Segments* seen = nullptr;
};

// Keys and values of one sequence under generation, for every layer of a decoder. Owns memory for `capacity` positions.
template <Precision F, Device D> class KeyValueCache {
 public:
  using operand = typename roles_of<F>::operand;
  using Layer = KvLayer<operand, D>;

  KeyValueCache(Index depth, Index width, Index capacity)
      : width_(width), capacity_(capacity), memory_(2 * depth * width * capacity) {
    seen_.offset = {0, 0};
    seen_.place.reserve(std::size_t(capacity));
  }
  Index capacity() const { return capacity_; }
  Index length() const { return seen_.rows(); }
  std::size_t bytes() const { return memory_.bytes(); }

  // Forgets the sequence; the memory stays.
  void clear() { seen_.offset = {0, 0}, seen_.place.clear(); }

  // Forgets what follows the first `length` positions.
  void shorten(Index length) {
    require(length <= seen_.rows(), "a cache cannot be shortened to more than it holds");
    seen_.place.resize(std::size_t(length));
    seen_.offset.back() = length;
  }

  // Makes room for the next tokens of the sequence: one segment, whose positions follow the last one.
  void append(const Segments& next) {
    require(next.sequences() == 1, "a cache holds one sequence; extend it by one segment");
    require(length() + next.rows() <= capacity_, "the cache is full: ask make_cache() for more positions");
    for (Index i = 0; i < next.rows(); ++i)
      require(next.place[i].position == length() + i, "the next tokens' positions must follow those in the cache");
    seen_.place.insert(seen_.place.end(), next.place.begin(), next.place.end());
    seen_.offset.back() += next.rows();
  }
  Layer layer(Index i) { return {half(2 * i), half(2 * i + 1), &seen_}; }

 private:
  Matrix<operand, D> half(Index i) { return {memory_.address(i * width_ * capacity_), capacity_, width_, width_}; }

  Index width_, capacity_;
  Buffer<operand, D> memory_;
  Segments seen_;
};

template <IsPolicy P> using KvCache = KeyValueCache<P::precision, P::device>;

// A layer that can compute the last rows of a sequence from a cache of the earlier ones, as its forward() would.
template <class L, class Cache>
concept Decodable = requires(L& l, const L& c, Scope& s, typename L::in x, typename L::out y, Cache cache) {
  { c.kv_width() } -> std::same_as<Index>;
  {l.extend(s, x, y, cache)};
};

}  // namespace vlt
