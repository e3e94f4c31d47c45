// expected: for Device::cuda it needs the CUDA backend, which this build does not have
#include <vlt/tensor/buffer.hpp>
#ifdef MISTAKE
constexpr auto device = vlt::Device::cuda;
#else
constexpr auto device = vlt::Device::cpu;
#endif
int main() { return int(vlt::Buffer<float, device>(7).size()); }
