// Two translation units, compiled for different machines, train the same model of our own block. Exit code 0 if its
// gradients are right, both learn, and they agree.
#include <cmath>
#include <cstdio>
#include "training.hpp"

int main() {
  using Gold = vlt::Policy<vlt::Device::cpu, vlt::Precision::f64>;
  const vlt::Segments batch = vlt::testing::mixed_batch();
  vlt::LlamaBlock<Gold, vlt::mask::Causal, PreviousToken<Gold>> block(
      {.width = 8, .mlp = 10, .norm_eps = 0.1, .rope = {}});
  const auto report = vlt::testing::check_gradients(block, {batch.rows(), 8}, batch);
  std::printf("gradients: %s\n", report.text().c_str());

  const auto here = train<vlt::Device::cpu>(40), there = train_on_this_machine(40);
  std::printf("loss %.4f, then %.4f; with this machine's instructions %.4f, then %.4f\n", here.front(), here.back(),
              there.front(), there.back());
  const bool learns = here.back() < 0.1 * here.front() && there.back() < 0.1 * there.front();
  return report.ok() && learns && std::abs(here.front() - there.front()) < 1e-4 * here.front() ? 0 : 1;
}
