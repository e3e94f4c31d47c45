// Exit code 0 if the gradients of a layer are right.
#include <vlt/nn/linear.hpp>
#include <vlt/testing/grad_check.hpp>

int main() {
  vlt::Linear<vlt::Policy<vlt::Device::cpu, vlt::Precision::f64>> layer(5, 7, true);
  return vlt::testing::check_gradients(layer, {4, 7}, vlt::equal_segments(4, 1)).ok() ? 0 : 1;
}
