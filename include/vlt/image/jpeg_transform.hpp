#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace vlt::jpeg {

// Eight values from their cosine coefficients, times sqrt(8) 2^(13 - shift), rounded as in libjpeg's accurate integer
// method (jidctint.c; Loeffler, Ligtenberg, Moschytz 1989).
inline std::array<std::int64_t, 8> inverse_cosines(const std::array<std::int64_t, 8>& c, int shift) {
  const std::int64_t turn = (c[2] + c[6]) * 4433, even_2 = turn - c[6] * 15137, even_3 = turn + c[2] * 6270,
                     even_0 = (c[0] + c[4]) * 8192, even_1 = (c[0] - c[4]) * 8192;
  const std::int64_t mixed = (c[7] + c[3] + c[5] + c[1]) * 9633, z1 = (c[7] + c[1]) * -7373,
                     z2 = (c[5] + c[3]) * -20995, z3 = (c[7] + c[3]) * -16069 + mixed,
                     z4 = (c[5] + c[1]) * -3196 + mixed;
  const std::array<std::int64_t, 4> even{even_0 + even_3, even_1 + even_2, even_1 - even_2, even_0 - even_3},
      odd{c[1] * 12299 + z1 + z4, c[3] * 25172 + z2 + z3, c[5] * 16819 + z2 + z4, c[7] * 2446 + z1 + z3};
  const std::int64_t half = std::int64_t(1) << (shift - 1);
  std::array<std::int64_t, 8> out;
  for (std::size_t i = 0; i < 4; ++i)
    out[i] = (even[i] + odd[i] + half) >> shift, out[7 - i] = (even[i] - odd[i] + half) >> shift;
  return out;
}

// A block of 8 x 8 samples from its coefficients, row by row; down the columns first.
inline void inverse_transform(const std::int16_t* coefficients, std::uint8_t* out, std::ptrdiff_t stride) {
  constexpr int column_shift = 11, row_shift = 18;
  std::array<std::array<std::int64_t, 8>, 8> rows;
  for (std::size_t x = 0; x < 8; ++x) {
    std::array<std::int64_t, 8> column;
    for (std::size_t y = 0; y < 8; ++y) column[y] = coefficients[8 * y + x];
    column = inverse_cosines(column, column_shift);
    for (std::size_t y = 0; y < 8; ++y) rows[y][x] = std::clamp<std::int64_t>(column[y], INT16_MIN, INT16_MAX);
  }
  for (const auto& row : rows) {
    const auto samples = inverse_cosines(row, row_shift);
    for (std::size_t x = 0; x < 8; ++x) out[x] = std::uint8_t(std::clamp<std::int64_t>(samples[x] + 128, 0, 255));
    out += stride;
  }
}

}  // namespace vlt::jpeg
