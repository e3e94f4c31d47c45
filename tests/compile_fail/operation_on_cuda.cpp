// expected: for Device::cuda it needs the CUDA backend, which this build does not have
#include <vlt/ops/rms_norm.hpp>
#ifdef MISTAKE
constexpr auto device = vlt::Device::cuda;
#else
constexpr auto device = vlt::Device::cpu;
#endif
void norm(vlt::Scope& s, vlt::Matrix<float, device> x, vlt::Matrix<float, device> y) {
  vlt::ops::rms_norm(s, x, x, y, y, 1e-5);
}
