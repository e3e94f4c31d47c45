#pragma once
#include <array>
#include <vlt/ops/elementwise.hpp>

namespace vlt::ops {

namespace reference {
// In double, in sixteen sums: one addition need not wait for the one before.
template <class T> double sum_of_squares(const T* x, Index n) {
  std::array<double, 16> lane{};
  constexpr Index lanes = Index(lane.size());
  Index i = 0;
  for (; i + lanes <= n; i += lanes)
    for (Index l = 0; l < lanes; ++l) lane[l] += double(x[i + l]) * double(x[i + l]);
  for (; i < n; ++i) lane[0] += double(x[i]) * double(x[i]);
  double total = 0;
  for (double l : lane) total += l;
  return total;
}
}  // namespace reference

// total(0, 0) += the squares of x (1, n). The numbers are cut into chunks of fixed size whose sums are added in order,
// so that the result does not depend on the number of threads.
template <Device D, class T> void add_sum_of_squares(Scope& s, Matrix<T, D> x, Matrix<double, D> total) {
  static_assert(host_code<D>::ok);
  constexpr Index chunk = 1 << 14;
  Frame frame(s);
  const Index chunks = (x.cols + chunk - 1) / chunk;
  const auto sum = s.temp<Matrix<double, D>>({1, chunks});
  s.run("sum_of_squares", element_cost(x, 2, 1), [&] {
    s.threads().ranges(chunks, 1, [&](Index begin, Index end) {
      for (Index c = begin; c < end; ++c)
        sum(0, c) = reference::sum_of_squares<T>(x.data + c * chunk, std::min(chunk, x.cols - c * chunk));
    });
    double all = 0;
    for (Index c = 0; c < chunks; ++c) all += sum(0, c);
    total(0, 0) += all;
  });
}

}  // namespace vlt::ops
