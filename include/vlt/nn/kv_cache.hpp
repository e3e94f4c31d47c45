#pragma once
#include <array>
#include <vlt/tensor/buffer.hpp>
#include <vlt/tensor/scope.hpp>

namespace vlt {

// What one attention layer remembers of a sequence: its keys and values, a row per position, and which positions are
// filled (those of the call in progress included).
template <class T, Device D> struct KvLayer {
  Matrix<T, D> k, v;  // (capacity, kv_heads * head_dim)
  SegmentsView<D> seen;
};

// Keys and values of one sequence under generation, for every layer of a decoder. Owns memory for `capacity` positions.
template <Precision F, Device D> class KeyValueCache {
 public:
  using operand = typename roles_of<F>::operand;
  using Layer = KvLayer<operand, D>;

  KeyValueCache(Index depth, Index width, Index capacity)
      : width_(width), capacity_(capacity), memory_(2 * depth * width * capacity), places_(capacity), offsets_(4) {}
  Index capacity() const { return capacity_; }
  Index length() const { return ends_[1]; }
  std::size_t bytes() const { return memory_.bytes(); }

  // Forgets the sequence; the memory stays.
  void clear() { ends_ = {}; }

  // Makes room for the next tokens of the sequence: one segment, whose positions follow the last one. Returns it as the
  // rows that are extended next are to carry it. The cache must stay where it is until they are done.
  SegmentsView<D> append(const Segments& next) {
    require(next.sequences() == 1, "a cache holds one sequence; extend it by one segment");
    const Index before = length();
    require(before + next.rows() <= capacity_, "the cache is full: ask make_cache() for more positions");
    for (Index i = 0; i < next.rows(); ++i)
      require(next.place[i].position == before + i, "the next tokens' positions must follow those in the cache");
    ends_ = {0, before + next.rows(), 0, next.rows()};
    places_.copy_from_host(next.place, before);
    offsets_.copy_from_host(ends_);
    return {offsets_.address(2), places_.address(before), std::span<const Index>(ends_).subspan(2)};
  }
  Layer layer(Index i) const {
    return {
        half(2 * i), half(2 * i + 1), {offsets_.address(), places_.address(), std::span<const Index>(ends_).first(2)}};
  }

 private:
  Matrix<operand, D> half(Index i) const {
    return {memory_.address(i * width_ * capacity_), capacity_, width_, width_};
  }

  Index width_, capacity_;
  Buffer<operand, D> memory_;
  Buffer<Place, D> places_;      // of all positions so far
  std::array<Index, 4> ends_{};  // of the whole sequence, and of what was appended last: where they begin and end
  Buffer<Index, D> offsets_;     // the same, for the device
};

template <IsPolicy P> using KvCache = KeyValueCache<P::precision, P::device>;

// A layer that can compute the last rows of a sequence from a cache of the earlier ones, as its forward() would.
template <class L, class Cache>
concept Decodable = requires(L& l, const L& c, Scope& s, typename L::in x, typename L::out y, Cache cache) {
  { c.kv_width() } -> std::same_as<Index>;
  {l.extend(s, x, y, cache)};
};

}  // namespace vlt
