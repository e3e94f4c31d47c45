#pragma once
#include <vlt/simt/emulation.hpp>
#include <vlt/simt/platform.hpp>

// Which thread is this? Blocks of threads are one-dimensional, grids of blocks have up to three dimensions.
namespace vlt::simt {

inline constexpr int warp_size = 32;

VLT_SIMT unsigned thread_index() {
#if VLT_ON_DEVICE
  return threadIdx.x;
#else
  return emulation::this_thread().index;
#endif
}
VLT_SIMT unsigned lane_index() {
#if VLT_ON_DEVICE
  return threadIdx.x & 31u;
#else
  return emulation::this_thread().lane;
#endif
}
VLT_SIMT unsigned warp_index() {
#if VLT_ON_DEVICE
  return threadIdx.x >> 5;
#else
  return emulation::this_thread().warp;
#endif
}
VLT_SIMT unsigned block_x() {
#if VLT_ON_DEVICE
  return blockIdx.x;
#else
  return emulation::this_thread().block.x;
#endif
}
VLT_SIMT unsigned block_y() {
#if VLT_ON_DEVICE
  return blockIdx.y;
#else
  return emulation::this_thread().block.y;
#endif
}
VLT_SIMT unsigned block_z() {
#if VLT_ON_DEVICE
  return blockIdx.z;
#else
  return emulation::this_thread().block.z;
#endif
}
VLT_SIMT unsigned grid_x() {
#if VLT_ON_DEVICE
  return gridDim.x;
#else
  return emulation::this_thread().grid.x;
#endif
}

}  // namespace vlt::simt
