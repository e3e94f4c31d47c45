#pragma once
#include <span>
#include <vlt/tensor/address.hpp>

namespace vlt {

// A list of indices that an operation reads (rows, ids, groups), in the memory of the device.
template <Device D> class IndexView {
 public:
  IndexView() = default;
  IndexView(Address<const Index, D> at, Index size) : data_(at), size_(size) {}
  // Of a list in the host's memory, which must stay where it is.
  template <class List>
  requires(std::convertible_to<List&&, std::span<const Index>>) IndexView(List&& list) {
    static_assert(host_code<D>::ok);
    const std::span<const Index> all(list);
    data_ = all.data(), size_ = Index(all.size());
  }

  Index size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Index* data() const { return data_; }
  Index operator[](Index i) const {
    static_assert(host_code<D>::ok);
    return data_[i];
  }
  IndexView part(Index begin, Index count) const {
    IndexView v;
    v.data_ = data_ ? data_ + begin : nullptr, v.size_ = count;
    return v;
  }

 private:
  const Index* data_ = nullptr;
  Index size_ = 0;
};

}  // namespace vlt
