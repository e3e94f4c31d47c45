// expected: who computes in double includes <vlt/ops/double_precision.hpp>
#include <vlt/nn/linear.hpp>
#ifndef MISTAKE
#include <vlt/ops/double_precision.hpp>
#endif
using Gold = vlt::Policy<vlt::Device::cpu, vlt::Precision::f64>;
using X = vlt::operand_t<Gold, vlt::space::text>;
void run(vlt::Scope& s, vlt::Linear<Gold>& layer, X x, X y, vlt::Linear<Gold>::saved& k) { layer.forward(s, x, y, k); }
int main() {}
