#pragma once
#include <cmath>
#include <vector>
#include <vlt/ops/elementwise.hpp>

namespace vlt {

// Rotary positions: pair i of a head turns by position * frequency (Su et al. 2021). Variants differ in these numbers
// only; `dynamic` ones also in the length of the sequence they serve.
struct Rope {
  std::vector<double> frequency;  // (head_dim / 2); empty: no rotation
  double dynamic_factor = 0;      // > 0: sequences longer than trained_length slow down (HF's "dynamic")
  Index trained_length = 0;

  static Rope plain(Index head_dim, double theta) {
    Rope r;
    for (Index i = 0; i < head_dim / 2; ++i)
      r.frequency.push_back(std::pow(theta, -2.0 * double(i) / double(head_dim)));
    return r;
  }
  // theta grows by stretch^(d / (d - 2)), which multiplies frequency i by stretch^(-2 i / (d - 2)).
  double at(Index i, Index length) const {
    if (dynamic_factor <= 0 || length <= trained_length) return frequency[i];
    const double stretch = dynamic_factor * double(length) / double(trained_length) - (dynamic_factor - 1);
    return frequency[i] * std::pow(stretch, -double(i) / double(Index(frequency.size()) - 1));
  }
};

}  // namespace vlt

namespace vlt::ops {

enum class Turn : int { forward = 1, backward = -1 };  // the gradient of a rotation is the rotation the other way

// x: (rows, heads * head_dim), rotated in place; halves of a head are paired (HF's rotate_half).
template <class T> void rope(Scope& s, CpuMatrix<T> x, const Segments& batch, const Rope& r, Turn turn) {
  using A = accum_t<T>;
  const Index half = Index(r.frequency.size());
  if (half == 0) return;
  s.run("rope", element_cost(x, 6, 2), [&] {
    for (Index q = 0; q < batch.sequences(); ++q)
      for (Index row = batch.begin(q); row < batch.end(q); ++row)
        for (Index i = 0; i < half; ++i) {
          const double angle = double(batch.place[row].position) * r.at(i, batch.end(q) - batch.begin(q));
          const A c = A(std::cos(angle)), n = A(std::sin(angle)) * A(int(turn));
          for (Index h = i; h < x.cols; h += 2 * half) {
            const A a = A(x(row, h)), b = A(x(row, h + half));
            x(row, h) = T(a * c - b * n);
            x(row, h + half) = T(b * c + a * n);
          }
        }
  });
}

}  // namespace vlt::ops
