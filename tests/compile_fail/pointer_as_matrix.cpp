// expected: Address<float
#include <vlt/tensor/matrix.hpp>
float memory[6];
using M = vlt::Matrix<float, vlt::Device::cpu>;
#ifdef MISTAKE
M m{memory, 2, 3, 3};
#else
M m = vlt::borrow_host<M>(memory, 2, 3);
#endif
