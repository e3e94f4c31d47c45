// expected: this code works on memory of the host; for Device::cuda
#include <vlt/models/batch.hpp>

#ifdef MISTAKE
inline constexpr vlt::Device device = vlt::Device::cuda;
#else
inline constexpr vlt::Device device = vlt::Device::cpu;
#endif

int rows(vlt::Scope& s, const vlt::Batch& b) { return int(vlt::BatchView<device>(s, b).text.rows()); }
