#pragma once
#include <algorithm>
#include <concepts>
#include <span>
#include <vlt/base/policy.hpp>

namespace vlt::dist {

// What ZeRO and the trainer need from a group of processes. All calls are collective; sums are formed in rank order.
template <class C> concept Communicator = requires(C& c, std::span<const float> in, std::span<float> out) {
  { C::device } -> std::convertible_to<Device>;  // where its buffers must live
  { c.rank() } -> std::convertible_to<int>;
  { c.size() } -> std::convertible_to<int>;
  {c.all_reduce_sum(out)};
  {c.reduce_scatter_sum(in, out)};  // in.size() == size() * out.size()
  {c.all_gather(in, out)};          // out.size() == size() * in.size()
  {c.barrier()};
};

// A group of one.
struct Single {
  static constexpr Device device = Device::cpu;
  int rank() const { return 0; }
  int size() const { return 1; }
  template <class T> void all_reduce_sum(std::span<T>) {}
  template <class T> void reduce_scatter_sum(std::span<const T> in, std::span<T> out) {
    if (in.data() != out.data()) std::copy(in.begin(), in.end(), out.begin());
  }
  template <class T> void all_gather(std::span<const T> in, std::span<T> out) {
    if (in.data() != out.data()) std::copy(in.begin(), in.end(), out.begin());
  }
  void barrier() {}
};

}  // namespace vlt::dist
