#pragma once
#include <vlt/base/parallel.hpp>
#include <vlt/cpu/blocking.hpp>
#include <vlt/cpu/product.hpp>
#if VLT_HOST_ISA == 0
#include <vlt/cpu/eigen_gemm.hpp>
#endif

namespace vlt::cpu {

// Products of processors that have no tile of their own are Eigen's: cpu/eigen_gemm.hpp has this class. It is included
// above where such a processor is compiled for; elsewhere, whoever names Device::portable includes it.
template <Device D, class T> class EigenProduct;
template <Device D> inline constexpr bool has_tiles = D != Device::portable;

// Asks the second-level cache for part `part` of `parts` of what the next panel of B will be packed from.
template <class T> void prefetch(Source<T> from, Index lanes, Index depth, Index part, Index parts) {
  const bool along_depth = from.depth_stride == 1;
  const Index runs = along_depth ? lanes : depth, stride = along_depth ? from.lane_stride : from.depth_stride,
              bytes = (along_depth ? depth : lanes) * Index(sizeof(T));
  for (Index run = runs * part / parts; run < runs * (part + 1) / parts; ++run) {
    const auto* at = reinterpret_cast<const char*>(from.data + run * stride);
    for (Index b = 0; b < bytes + 63; b += 64) __builtin_prefetch(at + std::min(b, bytes - 1), 0, 2);
  }
}
// The same for a panel that is packed already.
template <class Packed> void prefetch(const Packed* from, Index units, Index part, Index parts) {
  const Index lines = units * Index(sizeof(Packed)) / 64;
  const auto* at = reinterpret_cast<const char*>(from);
  for (Index i = lines * part / parts; i < lines * (part + 1) / parts; ++i) __builtin_prefetch(at + i * 64, 0, 2);
}

// One thread's share of a product.
template <Device D, class T, class C> class Worker {
 public:
  Worker(const Product<T, C>& p, const Blocking<D, T>& cut, int thread, std::byte* work)
      : p_(p), cut_(cut), area_(cut.area(thread, p.m)), memory_(cut.memory(thread, work)) {}

  void run() {
    for (group_ = area_.panel; group_ < area_.panel_end; group_ += cut_.panels)
      for (Index row = area_.row; row < area_.row_end; row += cut_.rows)
        for (Index k = 0; k < std::max<Index>(p_.k, 1); k += cut_.depth) chunk(row, k);
  }

 private:
  static constexpr Index R = Tile<D>::rows, N = Tile<D>::cols;

  // Rows from `row` on, all panels of the group, one block of the contraction.
  void chunk(Index row, Index k) {
    const Index rows = std::min(cut_.rows, area_.row_end - row), end = std::min(group_ + cut_.panels, area_.panel_end),
                depth = std::min(cut_.depth, p_.k - k), units = units_of<T>(depth);
    const bool fresh_b = !p_.panels && (!cut_.keeps_b || row == area_.row);
    pack_panels<D, T, R>(p_.a.at(row, k), rows, depth, memory_.a);
    alignas(64) float one[R * N];
    float* sums = cut_.interrupted ? memory_.sums : one;
    for (Index j = group_; j < end; ++j) {
      if (fresh_b) pack<D, T, N>(p_.b.at(j * N, k), std::min(N, p_.n - j * N), depth, packed(j, k));
      for (Index i = 0; i < rows; i += R) {
        if (j + 1 < end) prefetch_panel(j + 1, k, depth, fresh_b, i / R, (rows + R - 1) / R);
        const auto times = [&](const auto* b) {
          tile(row + i, std::min(R, rows - i), j, k, memory_.a + i * units, b, sums);
        };
        if (p_.panels) times(p_.panels + panel_offset(j, k));
        else times(packed(j, k));
        if (cut_.interrupted) sums += R * N;
      }
    }
  }
  template <class B> void tile(Index row, Index rows, Index panel, Index k, const Unit* a, const B* b, float* sums) {
    const Index depth = std::min(cut_.depth, p_.k - k), cols = std::min(N, p_.n - panel * N);
    const bool last = k + depth >= p_.k;
    C* const c = p_.store.c + row * p_.store.c_stride + panel * N;
    for (Index i = 0; last && i < rows; ++i)
      for (Index at = 0; at < cols * Index(sizeof(C)); at += 64)
        __builtin_prefetch(reinterpret_cast<const char*>(c + i * p_.store.c_stride) + at, 1, 3);
    tile_product<D, Factor<T>>(int(rows), units_of<T>(depth), a, b, sums, N, k == 0 ? Sum::fresh : Sum::added);
    if (last) store_tile<D>(p_.store, sums, row, rows, panel * N, cols);
  }

  Index panel_offset(Index panel, Index k) const { return (panel * units_of<T>(p_.k) + k / per_unit<T>)*N; }
  Unit* packed(Index panel, Index k) const { return memory_.b + (cut_.keeps_b ? panel_offset(panel - group_, k) : 0); }
  void prefetch_panel(Index panel, Index k, Index depth, bool fresh, Index part, Index parts) const {
    if (fresh) prefetch(p_.b.at(panel * N, k), std::min(N, p_.n - panel * N), depth, part, parts);
    else if (p_.panels) prefetch(p_.panels + panel_offset(panel, k), units_of<T>(depth) * N, part, parts);
    else prefetch(packed(panel, k), units_of<T>(depth) * N, part, parts);
  }

  const Product<T, C>& p_;
  const Blocking<D, T>& cut_;
  typename Blocking<D, T>::Area area_;
  typename Blocking<D, T>::Memory memory_;
  Index group_ = 0;  // the first panel of the group in work
};

// Bytes of work memory (64-byte aligned) that multiply() needs for this product with this many threads.
template <Device D, class T> Index work_bytes(Index m, Index n, Index k, int threads) {
  if constexpr (has_tiles<D>) return m == 0 || n == 0 ? 0 : Blocking<D, T>(m, n, k, threads).bytes();
  else return EigenProduct<D, T>(m, n, k, threads).bytes();
}

// Cost 2 m n k.
template <Device D, class T, class C>
[[gnu::noinline]] void multiply(const Product<T, C>& p, Threads& threads, std::byte* work) {
  if (p.m == 0 || p.n == 0) return;
  if constexpr (has_tiles<D>) {
    const Blocking<D, T> cut(p.m, p.n, p.k, threads.count());
    if (cut.threads() == 1) return Worker<D, T, C>(p, cut, 0, work).run();
    threads.run([&](int thread, int) { Worker<D, T, C>(p, cut, thread, work).run(); });
  } else {
    const auto finish = [&](Index row, Index col, const float* sums, Index count) {
      for_each_register<D>(count,
                           [&](Index j, auto n) { store_register<D>(p.store, load<D>(sums + j, n), row, col + j, n); });
    };
    EigenProduct<D, T>(p.m, p.n, p.k, threads.count()).run(p.a, p.b, p.panels, threads, work, finish);
  }
}

}  // namespace vlt::cpu
