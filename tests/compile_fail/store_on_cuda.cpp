// expected: for Device::cuda it needs the CUDA backend, which this build does not have
#include <vlt/optim/parameter_store.hpp>
#ifdef MISTAKE
constexpr auto device = vlt::Device::cuda;
#else
constexpr auto device = vlt::Device::cpu;
#endif
template class vlt::ParameterStore<vlt::Precision::f32, device>;
