#include <cstring>
#include <simt/ptx/machine.hpp>
#include <simt/ptx/values.hpp>
#include <simt/ptx/warp.hpp>

namespace vlt::simt::ptx {

// 9.7.9.6: shfl.sync
template <Shuffle mode> void shuffle(void* const* lanes, std::uint32_t mask) {
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1)) continue;
    auto& l = *static_cast<ShuffleLane*>(lanes[lane]);
    const std::uint32_t b = l.b & 31, clamp = l.c & 31, segment = l.c >> 8 & 31;
    const std::uint32_t last = (lane & segment) | (clamp & ~segment), first = lane & segment;
    std::uint32_t from = lane;
    if constexpr (mode == Shuffle::bfly) from = lane ^ b, l.in_range = from <= last;
    if constexpr (mode == Shuffle::idx) from = first | (b & ~segment), l.in_range = from <= last;
    if constexpr (mode == Shuffle::up) from = lane - b, l.in_range = std::int32_t(from) >= std::int32_t(last);
    if constexpr (mode == Shuffle::down) from = lane + b, l.in_range = from <= last;
    if (!l.in_range) from = lane;
    if (from > 31 || !(mask >> from & 1))
      emulation::fail("shuffle", "lane %u reads lane %u, which mask %08x leaves out", lane, from, mask);
    l.result = static_cast<ShuffleLane*>(lanes[from])->a;
  }
}
template void shuffle<Shuffle::bfly>(void* const*, std::uint32_t);
template void shuffle<Shuffle::idx>(void* const*, std::uint32_t);
template void shuffle<Shuffle::up>(void* const*, std::uint32_t);
template void shuffle<Shuffle::down>(void* const*, std::uint32_t);

namespace {
template <Type type> float element(const std::uint32_t* words, int i) {
  return float(number(type, words[i / 2] >> (16 * (i % 2)) & 0xffff));
}
float sum_of_products(float c, const float* a, const float (*b)[8], int column) {
  const auto mode = numerics().sum;
  if (mode == Numerics::backwards) {
    for (int k = 15; k >= 0; --k) c += a[k] * b[k][column];
    return c;
  }
  double sum = c;
  for (int k = 0; k < 16; ++k) {
    sum += double(a[k]) * double(b[k][column]);
    if (mode == Numerics::chopped_by_four && k % 4 == 3) sum = chopped(sum, 24);
  }
  return mode == Numerics::truncated ? chopped(sum, 24) : float(sum);
}
}  // namespace

// 9.7.14.5.8: fragments of mma.m16n8k16
template <Type type> void multiply(void* const* lanes, std::uint32_t) {
  float a[16][16], b[16][8], c[16][8];
  for (int lane = 0; lane < 32; ++lane) {
    const auto& l = *static_cast<MmaLane*>(lanes[lane]);
    const int group = lane >> 2, in_group = lane % 4;
    for (int i = 0; i < 8; ++i) {
      const bool upper = i < 2 || (i >= 4 && i < 6);
      a[upper ? group : group + 8][in_group * 2 + (i & 1) + (i >= 4 ? 8 : 0)] = element<type>(l.a, i);
    }
    for (int i = 0; i < 4; ++i) b[in_group * 2 + (i & 1) + (i >= 2 ? 8 : 0)][group] = element<type>(l.b, i);
    for (int i = 0; i < 4; ++i) c[i < 2 ? group : group + 8][in_group * 2 + (i & 1)] = l.c[i];
  }
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      const int row = i < 2 ? lane >> 2 : (lane >> 2) + 8, column = lane % 4 * 2 + (i & 1);
      static_cast<MmaLane*>(lanes[lane])->d[i] = sum_of_products(c[row][column], a[row], b, column);
    }
}
template void multiply<Type::f16>(void* const*, std::uint32_t);
template void multiply<Type::bf16>(void* const*, std::uint32_t);

// 9.7.14.5.15: ldmatrix
template <bool transposed, int matrices> void load_matrices(void* const* lanes, std::uint32_t) {
  for (int m = 0; m < matrices; ++m)
    for (int lane = 0; lane < 32; ++lane) {
      std::uint32_t word = 0;
      for (int e = 0; e < 2; ++e) {
        const int across = lane % 4 * 2 + e, along = lane / 4;
        const int row = transposed ? across : along, column = transposed ? along : across;
        std::uint16_t x;
        std::memcpy(&x, static_cast<LdmatrixLane*>(lanes[m * 8 + row])->row + 2 * column, 2);
        word |= std::uint32_t(x) << (16 * e);
      }
      static_cast<LdmatrixLane*>(lanes[lane])->result[m] = word;
    }
}
template void load_matrices<false, 1>(void* const*, std::uint32_t);
template void load_matrices<false, 2>(void* const*, std::uint32_t);
template void load_matrices<false, 4>(void* const*, std::uint32_t);
template void load_matrices<true, 1>(void* const*, std::uint32_t);
template void load_matrices<true, 2>(void* const*, std::uint32_t);
template void load_matrices<true, 4>(void* const*, std::uint32_t);

}  // namespace vlt::simt::ptx
