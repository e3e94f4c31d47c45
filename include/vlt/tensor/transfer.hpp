#pragma once
#include <vlt/device/memory.hpp>
#include <vlt/tensor/index_view.hpp>
#include <vlt/tensor/scope.hpp>

// What crosses between the host and a device: matrices and lists that a pass reads, and results. A host's pass reads
// them where they are; a device with memory of its own gets copies, which live in the arena until the caller's Frame
// closes and are planned like anything else.
namespace vlt {

// Tokens as the host holds them before they are uploaded.
template <class M> struct host_form;
template <class Space, class T, Device D> struct host_form<Tokens<Space, T, D>> {
  using type = Tokens<Space, T, host_of(D)>;
};
template <class M> using host_form_t = typename host_form<M>::type;

// Rows of features. The host's must be contiguous if they are copied.
template <class M> M upload(Scope& s, const host_form_t<M>& x) {
  if constexpr (on_host(M::device)) return x;
  else {
    require(x.contiguous(), "only contiguous rows are copied to a device");
    M copy = s.temp<M>(x.shape());
    const std::size_t bytes = std::size_t(x.size()) * sizeof(typename M::value_type);
    s.run("upload", {0, double(bytes)}, [&] { Memory<M::device>::copy_from_host(copy.data, x.data, bytes); });
    return copy;
  }
}

// A list of `count` elements; where its copy lies.
template <Device D, class T> Address<const T, D> upload(Scope& s, std::span<const T> list) requires(!on_host(D)) {
  const auto copy = s.temp<Matrix<T, D>>({1, Index(list.size())});
  s.run("upload", {0, double(list.size_bytes())},
        [&] { Memory<D>::copy_from_host(copy.data, list.data(), list.size_bytes()); });
  return copy.data;
}
template <Device D> IndexView<D> upload(Scope& s, const std::vector<Index>& list) {
  if constexpr (on_host(D)) return list;
  else return {upload<D>(s, std::span(list)), Index(list.size())};
}
template <Device D> SegmentsView<D> upload(Scope& s, const Segments& b) {
  if constexpr (on_host(D)) return b;
  else return {upload<D>(s, std::span(b.offset)), upload<D>(s, std::span(b.place)), b.offset};
}

// The other way: a result, (rows, cols) elements one after another.
template <class T, Device D> void download(Scope& s, Matrix<T, D> x, std::span<std::type_identity_t<T>> to) {
  require(x.contiguous() && Index(to.size()) == x.size(), "a result is copied into memory of its own size");
  s.run("download", {0, double(to.size_bytes())}, [&] { Memory<D>::copy_to_host(to.data(), x.data, to.size_bytes()); });
}

}  // namespace vlt
