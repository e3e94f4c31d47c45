// expected: Eigen does not compute with bf16 or fp16; convert the matrix first: ops::as<float>(s, m)
#include <vlt/tensor/as_eigen.hpp>
#ifdef MISTAKE
using Element = vlt::bf16;
#else
using Element = float;
#endif
int main() { return int(as_eigen(vlt::Matrix<Element, vlt::Device::cpu>{}).rows()); }
