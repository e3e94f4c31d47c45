#pragma once
#include <algorithm>
#include <cmath>
#include <vlt/cpu/functions.hpp>
#include <vlt/ops/elementwise.hpp>
#include <vlt/tensor/index_view.hpp>

namespace vlt::ops {

// What one row of logits says about its target:  loss = -log softmax(logits)[target];  correct: the target has the
// largest logit (the first one, of equals).
struct RowLoss {
  double loss = 0;
  bool correct = false;
};

template <class A> bool is_argmax(const A* logits, Index target, A top) {
  return logits[target] == top && std::find(logits, logits + target, top) == logits + target;
}

namespace reference {
// dlogits = scale (softmax(logits) - onehot(target)); null: not wanted. It may be `logits`.
template <class A, class T> RowLoss cross_entropy_row(A* logits, Index n, Index target, double scale, T* dlogits) {
  const A top = *std::max_element(logits, logits + n), at_target = logits[target];
  const bool correct = is_argmax(logits, target, top);
  A sum = 0;
  for (Index c = 0; c < n; ++c) sum += std::exp(logits[c] - top);
  for (Index c = 0; dlogits && c < n; ++c)
    dlogits[c] = T(A(scale) * (std::exp(logits[c] - top) / sum - (c == target ? A(1) : A(0))));
  return {double(top + std::log(sum) - at_target), correct};
}
}  // namespace reference

// The same in registers. The exponentials pass through the row of logits when a gradient is wanted.
template <Device D, class T> RowLoss cross_entropy_row(float* logits, Index n, Index target, float scale, T* dlogits) {
  auto tops = cpu::broadcast<D>(-INFINITY);
  cpu::for_each_register<D>(n, [&](Index c, auto count) {
    if constexpr (std::is_same_v<decltype(count), cpu::Whole<D>>) tops = cpu::larger<D>(tops, cpu::load<D>(logits + c));
    else
      for (int i = 0; i < count; ++i) tops[0] = std::max(float(tops[0]), logits[c + i]);
  });
  const float top = cpu::largest<D>(tops), at_target = logits[target];
  const bool correct = is_argmax(logits, target, top);
  cpu::Floats<D> sums = {};
  float rest = 0;
  cpu::for_each_register<D>(n, [&](Index c, auto count) {
    const auto e = cpu::exp<D>(cpu::load<D>(logits + c, count) - top);
    if constexpr (std::is_same_v<decltype(count), cpu::Whole<D>>) sums += e;
    else
      for (int i = 0; i < count; ++i) rest += e[i];
    if (dlogits) cpu::store<D>(logits + c, e, count);
  });
  const double sum = double(cpu::sum<D>(sums)) + double(rest);
  const RowLoss result{double(top) + std::log(sum) - double(at_target), correct};
  if (!dlogits) return result;
  const double target_probability = double(logits[target]) / sum;
  const float factor = float(double(scale) / sum);
  cpu::for_each_register<D>(
      n, [&](Index c, auto count) { cpu::store<D>(dlogits + c, cpu::load<D>(logits + c, count) * factor, count); });
  dlogits[target] = T(float(double(scale) * (target_probability - 1)));
  return result;
}

// Turns logits (rows, vocabulary) into the gradient of scale * sum of -log softmax(logits)[target], row by row:
// dlogits = scale (softmax(logits) - onehot(target)). dlogits may be a narrower type, may be `logits` itself, or be
// left out (cols = 0); unless it is, the logits are used up. losses (rows, 1) are not scaled; hits (rows, 1) say where
// the target has the largest logit, and may be left out (rows = 0).
template <Device D, class A, class T>
void softmax_cross_entropy(Scope& s, Matrix<A, D> logits, std::type_identity_t<IndexView<D>> target, double scale,
                           Matrix<T, D> dlogits, Matrix<double, D> losses, Matrix<std::uint8_t, D> hits = {}) {
  s.run("softmax_cross_entropy", element_cost(logits, 6, 2), [&] {
    s.threads().ranges(logits.rows, 1, [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        A* const row = row_of(logits, r);
        T* const gradient = dlogits.cols ? row_of(dlogits, r) : nullptr;
        RowLoss result;
        if constexpr (std::is_same_v<A, double>)
          result = reference::cross_entropy_row(row, logits.cols, target[r], scale, gradient);
        else result = cross_entropy_row<D>(row, logits.cols, target[r], float(scale), gradient);
        losses(r, 0) = result.loss;
        if (hits.rows) hits(r, 0) = result.correct;
      }
    });
  });
}

// sums(0, group[r]) += scale * losses(r, 0), in the order of the rows; without groups all belong to group 0. The last
// column of sums counts hits, if they are given. The losses are scaled where they lie, and rounded, before they are
// added: a product fused into a sum would leave the bits of the loss to the compiler.
template <Device D>
void add_losses(Scope& s, Matrix<double, D> losses, Matrix<std::uint8_t, D> hits,
                std::type_identity_t<IndexView<D>> group, double scale, Matrix<double, D> sums) {
  s.run("add_losses", {2 * double(losses.rows), 24.0 * double(losses.rows)}, [&] {
    for (Index r = 0; r < losses.rows; ++r) losses(r, 0) *= scale;
    for (Index r = 0; r < losses.rows; ++r) {
      sums(0, group.empty() ? 0 : group[r]) += losses(r, 0);
      if (hits.rows) sums(0, sums.cols - 1) += hits(r, 0);
    }
  });
}

}  // namespace vlt::ops
