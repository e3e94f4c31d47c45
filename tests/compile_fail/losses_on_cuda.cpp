// expected: this code works on memory of the host; for Device::cuda
#include <vlt/models/losses.hpp>

#ifdef MISTAKE
inline constexpr vlt::Device device = vlt::Device::cuda;
#else
inline constexpr vlt::Device device = vlt::Device::cpu;
#endif

int main() { return int(vlt::LossAccumulator<device>(2).read().correct); }
