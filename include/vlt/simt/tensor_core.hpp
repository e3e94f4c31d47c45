#pragma once
#include <vlt/simt/emulation.hpp>
#include <vlt/simt/number.hpp>

// Products of small matrices by a whole warp (mma.sync m16n8k16, sm_80 and later). Who holds what of a fragment: PTX
// ISA 9.7.14.5.8; lane l = 4 g + t holds, of A (16 x 16), rows g and g + 8 and columns 2t, 2t + 1, 2t + 8, 2t + 9; of B
// (16 x 8) those as rows, and column g; of C and D (16 x 8) rows g, g + 8 and columns 2t, 2t + 1.
namespace vlt::simt {

#if !VLT_ON_DEVICE
namespace emulation {
// What a lane brings to ldmatrix: the address of a row of 8 numbers; and gets.
struct MatrixRow {
  const void* row;
  std::uint32_t word[4];
};
template <bool Transposed> void load_matrices_of_warp(void* const* lane, std::uint32_t) {
  for (int m = 0; m < 4; ++m) {
    std::uint16_t tile[8][8];
    for (int r = 0; r < 8; ++r) std::memcpy(tile[r], static_cast<MatrixRow*>(lane[8 * m + r])->row, 16);
    for (int i = 0; i < 32; ++i) {
      const int r = i / 4, c = 2 * (i % 4);
      const std::uint32_t first = Transposed ? tile[c][r] : tile[r][c],
                          second = Transposed ? tile[c + 1][r] : tile[r][c + 1];
      static_cast<MatrixRow*>(lane[i])->word[m] = first | second << 16;
    }
  }
}

// One lane's part of a product.
struct Fragments {
  float* d;
  const std::uint32_t *a, *b;
};
template <class T> float number_of(std::uint32_t word, int half) {
  T x;
  x.bits = std::uint16_t(word >> (16 * half));
  return float(x);
}
template <class T> void multiply_fragments(void* const* lane, std::uint32_t) {
  float a[16][16], b[16][8], d[16][8];
  for (int i = 0; i < 32; ++i) {
    const auto& f = *static_cast<Fragments*>(lane[i]);
    const int g = i / 4, t = 2 * (i % 4);
    for (int half = 0; half < 2; ++half) {
      for (int word = 0; word < 4; ++word) a[g + word % 2 * 8][t + half + word / 2 * 8] = number_of<T>(f.a[word], half);
      for (int word = 0; word < 2; ++word) b[t + half + word * 8][g] = number_of<T>(f.b[word], half);
    }
    for (int j = 0; j < 4; ++j) d[g + j / 2 * 8][t + j % 2] = f.d[j];
  }
  for (int r = 0; r < 16; ++r)
    for (int k = 0; k < 16; ++k)
      for (int c = 0; c < 8; ++c) d[r][c] += a[r][k] * b[k][c];
  for (int i = 0; i < 32; ++i)
    for (int j = 0; j < 4; ++j) static_cast<Fragments*>(lane[i])->d[j] = d[i / 4 + j / 2 * 8][2 * (i % 4) + j % 2];
}
}  // namespace emulation
#endif

// Four 8 x 8 matrices of 16-bit numbers out of shared memory, a word of each to every lane. Lanes 8 m to 8 m + 7 give
// the addresses of the rows of matrix m. Transposed: its columns are handed out instead.
template <bool Transposed>
VLT_SIMT void ldmatrix_x4(std::uint32_t (&word)[4], const void* row, const char* file = __builtin_FILE(),
                          int line = __builtin_LINE()) {
#if VLT_ON_DEVICE
  (void)file, (void)line;
  const unsigned from = static_cast<unsigned>(__cvta_generic_to_shared(row));
  if constexpr (Transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(word[0]), "=r"(word[1]), "=r"(word[2]), "=r"(word[3])
                 : "r"(from)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(word[0]), "=r"(word[1]), "=r"(word[2]), "=r"(word[3])
                 : "r"(from)
                 : "memory");
#else
  const emulation::Site site{file, line, "ldmatrix_x4"};
  emulation::touch(row, 16, emulation::Access::read, site);
  emulation::MatrixRow mine{row, {}};
  emulation::meet(~0u, &emulation::load_matrices_of_warp<Transposed>, &mine, false, site);
  for (int i = 0; i < 4; ++i) word[i] = mine.word[i];
#endif
}

// d += a b, a (16 x 16) row by row, b (16 x 8) column by column; numbers of T, sums in float.
template <class T>
VLT_SIMT void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1,
                           const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  static_assert(sizeof(T) == 2);
#if VLT_ON_DEVICE
  (void)file, (void)line;
  if constexpr (std::is_same_v<T, bf16>)
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  else
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  const std::uint32_t b[2] = {b0, b1};
  emulation::Fragments mine{d, a, b};
  emulation::meet(~0u, &emulation::multiply_fragments<T>, &mine, false, {file, line, "mma_m16n8k16"});
#endif
}

}  // namespace vlt::simt
