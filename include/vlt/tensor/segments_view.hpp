#pragma once
#include <span>
#include <vlt/tensor/address.hpp>
#include <vlt/tensor/segments.hpp>

namespace vlt {

// A packed batch as operations read it: Segments whose offsets and places lie in the memory of the device. Where
// sequences begin and end can be read on the host too, where work is measured and cut. What is viewed must stay.
template <Device D> class SegmentsView {
 public:
  SegmentsView() = default;
  // ends: the offsets once more, in the memory of the host.
  SegmentsView(Address<const Index, D> offsets, Address<const Place, D> places, std::span<const Index> ends)
      : offsets_(offsets), places_(places), ends_(ends.data()), sequences_(Index(ends.size()) - 1) {}
  // On the host: straight at the description.
  SegmentsView(const Segments& s)
      : offsets_(s.offset.data()), places_(s.place.data()), ends_(s.offset.data()), sequences_(s.sequences()) {
    static_assert(host_code<D>::ok);
  }
  SegmentsView(Segments&&) = delete;
  SegmentsView(const Segments&&) = delete;

  Index sequences() const { return sequences_; }
  Index rows() const { return sequences_ == 0 ? 0 : ends_[sequences_]; }
  Index begin(Index i) const { return ends_[i]; }
  Index end(Index i) const { return ends_[i + 1]; }
  Index longest() const {
    Index n = 0;
    for (Index i = 0; i < sequences_; ++i) n = std::max(n, end(i) - begin(i));
    return n;
  }
  const Index* offsets() const { return offsets_; }  // (sequences + 1), in the memory of the device
  const Place* places() const { return places_; }    // (rows), there too

 private:
  const Index* offsets_ = nullptr;
  const Place* places_ = nullptr;
  const Index* ends_ = nullptr;
  Index sequences_ = 0;
};

}  // namespace vlt
