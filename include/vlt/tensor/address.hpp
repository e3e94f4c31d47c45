#pragma once
#include <cstddef>
#include <type_traits>
#include <vlt/base/policy.hpp>

namespace vlt {

// Where elements lie in the memory of a device. It reads as a pointer, but no pointer becomes one: only buffers, the
// arena and borrow_host() make addresses, so that memory of the host never passes for a device's.
template <class T, Device D> class Address {
 public:
  constexpr Address() = default;
  constexpr Address(std::nullptr_t) {}
  // Elements may become constant; instruction sets of one memory share its addresses.
  template <class X, Device E>
  requires(same_memory(D, E) && (std::is_same_v<X, T> || std::is_same_v<const X, T>)) constexpr Address(Address<X, E> a)
      : at_(a) {}

  constexpr operator T*() const { return at_; }
  // n elements further on; nowhere stays nowhere.
  constexpr Address after(Index n) const { return Address(at_ ? at_ + n : nullptr); }

 private:
  template <class, Device> friend class Buffer;
  friend class Arena;
  template <class M> friend constexpr M borrow_host(typename M::value_type*, Index, Index, Index);
  explicit constexpr Address(T* at) : at_(at) {}

  T* at_ = nullptr;
};

}  // namespace vlt
