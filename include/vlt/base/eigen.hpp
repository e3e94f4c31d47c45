#pragma once

// Eigen, the only place that includes it: reading it takes a second, so only headers that compute with it include this.
// g++ 12 takes the undefined registers of its own AVX-512 intrinsics for mistakes (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <Eigen/Core>
#pragma GCC diagnostic pop
