#pragma once
#include <cmath>
#include <numbers>
#include <vlt/cpu/functions.hpp>
#include <vlt/ops/elementwise.hpp>
#include <vlt/tensor/rope.hpp>

namespace vlt::ops {

enum class Turn : int { forward = 1, backward = -1 };  // the gradient of a rotation is the rotation the other way

namespace reference {
template <Device D, class T>
void rope(Matrix<T, D> x, std::type_identity_t<SegmentsView<D>> batch, const Rope& r, Turn turn) {
  using A = accum_t<T>;
  const Index half = Index(r.frequency.size());
  for (Index q = 0; q < batch.sequences(); ++q)
    for (Index row = batch.begin(q); row < batch.end(q); ++row)
      for (Index i = 0; i < half; ++i) {
        const double angle = double(batch.places()[row].position) * r.at(i, batch.end(q) - batch.begin(q));
        const A c = A(std::cos(angle)), n = A(std::sin(angle)) * A(int(turn));
        for (Index h = i; h < x.cols; h += 2 * half) {
          const A a = A(x(row, h)), b = A(x(row, h + half));
          x(row, h) = T(a * c - b * n);
          x(row, h + half) = T(b * c + a * n);
        }
      }
}
}  // namespace reference

namespace wide {
// The sine of a part of a whole turn, |turns| <= 1/4: the Taylor series of sin(2 pi turns), its error below 6e-8.
template <Device D> [[gnu::always_inline]] inline cpu::Floats<D> sine_of_quarter(cpu::Floats<D> turns) {
  const auto x = turns * 6.2831853f, s = x * x;
  return x * (1.0f + s * (-1.66666667e-1f +
                          s * (8.33333333e-3f + s * (-1.98412698e-4f + s * (2.75573192e-6f + s * -2.50521084e-8f)))));
}
// Angles of one row, in turns, within half a turn; reduced in double, since positions times frequencies are large.
inline void angles(const Rope& r, Index position, const double* frequency, float* turns) {
  for (Index i = 0; i < Index(r.frequency.size()); ++i) {
    const double all = double(position) * frequency[i];
    turns[i] = float(all - std::nearbyint(all));
  }
}
// turns becomes cosines, sines stand behind them: (2 half)
template <Device D> void cosines_and_sines(float* turns, Index half, Turn turn) {
  cpu::for_each_register<D>(half, [&](Index i, auto n) {
    const auto t = cpu::load<D>(turns + i, n), size = cpu::larger<D>(t, -t);
    const auto folded = cpu::Floats<D>(size > 0.25f ? 0.5f - size : size);
    const auto sine = sine_of_quarter<D>(cpu::Floats<D>(t < 0.0f ? -folded : folded)) * float(int(turn));
    cpu::store<D>(turns + i, sine_of_quarter<D>(0.25f - size), n);
    cpu::store<D>(turns + half + i, sine, n);
  });
}
// frequency: (half) in turns per position; row_memory: (threads, 2 half)
template <Device D, class T>
void rope_rows(Threads& threads, Matrix<T, D> x, const SegmentsView<D>& batch, Index begin, Index rows, const Rope& r,
               Turn turn, const double* frequency, Matrix<float, D> row_memory) {
  const Index half = Index(r.frequency.size());
  const auto one_row = [&](Index row, float* cosine) {
    const float* const sine = cosine + half;
    angles(r, batch.places()[row].position, frequency, cosine);
    cosines_and_sines<D>(cosine, half, turn);
    for (Index h = 0; h < x.cols; h += 2 * half)
      cpu::for_each_register<D>(half, [&](Index i, auto n) {
        const auto a = read<D>(x, row, h + i, n), b = read<D>(x, row, h + half + i, n);
        const auto c = cpu::load<D>(cosine + i, n), s = cpu::load<D>(sine + i, n);
        write<D>(x, row, h + i, a * c - b * s, n);
        write<D>(x, row, h + half + i, b * c + a * s, n);
      });
  };
  if (rows * x.cols < grain) {
    for (Index row = begin; row < begin + rows; ++row) one_row(row, row_memory.data);
  } else {
    threads.run([&](int thread, int count) {
      for (Index i = rows * thread / count; i < rows * (thread + 1) / count; ++i)
        one_row(begin + i, row_memory.data + thread * row_memory.stride);
    });
  }
}
template <Device D, class T>
void rope(Threads& threads, Matrix<T, D> x, const SegmentsView<D>& batch, const Rope& r, Turn turn, double* frequency,
          Matrix<float, D> row_memory) {
  const auto read_frequencies = [&](Index length) {
    for (Index i = 0; i < Index(r.frequency.size()); ++i) frequency[i] = r.at(i, length) / (2 * std::numbers::pi);
  };
  if (r.dynamic_factor <= 0) {
    read_frequencies(0);
    return rope_rows<D>(threads, x, batch, 0, batch.rows(), r, turn, frequency, row_memory);
  }
  for (Index q = 0; q < batch.sequences(); ++q) {
    const Index length = batch.end(q) - batch.begin(q);
    read_frequencies(length);
    rope_rows<D>(threads, x, batch, batch.begin(q), length, r, turn, frequency, row_memory);
  }
}
}  // namespace wide

// x: (rows, heads * head_dim), rotated in place; halves of a head are paired (HF's rotate_half).
template <Device D, class T>
void rope(Scope& s, Matrix<T, D> x, std::type_identity_t<SegmentsView<D>> batch, const Rope& r, Turn turn) {
  const Index half = Index(r.frequency.size());
  if (half == 0) return;
  Frame frame(s);
  if constexpr (in_registers<T>) {
    const auto frequency = s.temp<Matrix<double, D>>({1, half});
    const auto row_memory = s.temp<Matrix<float, D>>({s.threads().count(), 2 * half});
    s.run("rope", element_cost(x, 6, 2),
          [&] { wide::rope<D>(s.threads(), x, batch, r, turn, frequency.data, row_memory); });
  } else {
    s.run("rope", element_cost(x, 6, 2), [&] { reference::rope(x, batch, r, turn); });
  }
}

}  // namespace vlt::ops
