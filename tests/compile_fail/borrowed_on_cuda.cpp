// expected: for Device::cuda it needs the CUDA backend, which this build does not have
#include <vlt/tensor/matrix.hpp>
#ifdef MISTAKE
constexpr auto device = vlt::Device::cuda;
#else
constexpr auto device = vlt::Device::cpu;
#endif
float memory[6];
vlt::Matrix<float, device> m = vlt::borrow_host<vlt::Matrix<float, device>>(memory, 2, 3);
