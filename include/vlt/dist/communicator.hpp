#pragma once
#include <algorithm>
#include <concepts>
#include <span>
#include <vlt/base/policy.hpp>

namespace vlt::dist {

// What ZeRO and the trainer need from a group of processes. All calls are collective and take the same sizes on every
// rank; sums are formed in rank order, so that they do not depend on timing.
template <class C> concept Communicator = requires(C& c, std::span<const float> in, std::span<float> out) {
  { C::on_host } -> std::convertible_to<bool>;  // where its buffers must live
  { c.rank() } -> std::convertible_to<int>;
  { c.size() } -> std::convertible_to<int>;
  c.all_reduce_sum(out);          // in place
  c.reduce_scatter_sum(in, out);  // in.size() == size() * out.size(); out may be this rank's part of in
  c.all_gather(in, out);          // out.size() == size() * in.size(); in may be this rank's part of out
  c.barrier();
};

// A group of one.
struct Single {
  static constexpr bool on_host = true;
  int rank() const { return 0; }
  int size() const { return 1; }
  template <class T> void all_reduce_sum(std::span<T>) {}
  template <class T> void reduce_scatter_sum(std::span<const T> in, std::span<T> out) { copy(in, out); }
  template <class T> void all_gather(std::span<const T> in, std::span<T> out) { copy(in, out); }
  void barrier() {}

 private:
  template <class T> static void copy(std::span<const T> in, std::span<T> out) {
    if (in.data() != out.data()) std::copy(in.begin(), in.end(), out.begin());
  }
};
static_assert(Communicator<Single>);

}  // namespace vlt::dist
