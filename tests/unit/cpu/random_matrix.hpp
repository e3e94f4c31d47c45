#pragma once
#include <cmath>
#include <random>
#include <unit/device.hpp>
#include <vector>
#include <vlt/tensor/matrix.hpp>

// A strided matrix of T between guards, and the same numbers in double. Guards and gaps between rows must survive.
template <class T, vlt::Device D = under_test> struct Twin {
  using Wide = vlt::Matrix<double, D>;
  using Narrow = vlt::Matrix<T, D>;

  Twin(vlt::Index rows, vlt::Index cols, double scale = 1, vlt::Index gap = 3)
      : values_(std::size_t(rows * (cols + gap) + 2 * guard), T(guard_value)), wide_(std::size_t(rows * cols)) {
    m = vlt::borrow_host<Narrow>(values_.data() + guard, rows, cols, cols + gap);
    d = vlt::borrow_host<Wide>(wide_.data(), rows, cols);
    static std::mt19937 rng(7);
    std::normal_distribution<double> normal;
    for (vlt::Index r = 0; r < rows; ++r)
      for (vlt::Index c = 0; c < cols; ++c) {
        m(r, c) = T(float(scale * normal(rng)));
        d(r, c) = double(m(r, c));
      }
  }
  Twin(const Twin&) = delete;

  Narrow m;
  Wide d;

  // The largest difference, relative to `bound` and to the size of the element itself; 1e9 if a guard was touched or a
  // number is none.
  double off(double absolute, double relative) const {
    double worst = intact() ? 0 : 1e9;
    for (vlt::Index r = 0; r < m.rows; ++r)
      for (vlt::Index c = 0; c < m.cols; ++c) {
        const double e = std::abs(double(m(r, c)) - d(r, c)) / (absolute + relative * std::abs(d(r, c)));
        if (!(e <= worst)) worst = std::isnan(e) ? 1e9 : e;
      }
    return worst;
  }
  bool intact() const {
    std::vector<bool> inside(values_.size());
    for (vlt::Index r = 0; r < m.rows; ++r)
      for (vlt::Index c = 0; c < m.cols; ++c) inside[std::size_t(guard + r * m.stride + c)] = true;
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (!inside[i] && float(values_[i]) != float(T(guard_value))) return false;
    return true;
  }

 private:
  static constexpr vlt::Index guard = 32;
  static constexpr float guard_value = 77;
  std::vector<T> values_;
  std::vector<double> wide_;
};

// What rounding to T may cost, relative to the result.
template <class T>
constexpr double unit = std::is_same_v<T, vlt::bf16>  ? 1.0 / 256
                        : std::is_same_v<T, vlt::f16> ? 1.0 / 1024
                                                      : 1e-6;
