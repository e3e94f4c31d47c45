// expected: this code works on memory of the host; for Device::cuda
#include <vlt/nn/kv_cache.hpp>

#ifdef MISTAKE
inline constexpr vlt::Device device = vlt::Device::cuda;
#else
inline constexpr vlt::Device device = vlt::Device::cpu;
#endif

int main() { return int(vlt::KeyValueCache<vlt::Precision::bf16, device>(2, 8, 4).length()); }
