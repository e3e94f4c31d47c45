#pragma once
#include <simt/launch.hpp>
#include <unit/cpu/random_matrix.hpp>
#include <vlt/simt/strided.hpp>

namespace vlt::simt::test {

// A strided matrix on the emulated device, and the same numbers in double for the reference. Between rows lie bytes
// that nobody wrote: the checker sees who reads them, and none may have been written.
template <class T> class DeviceTwin {
 public:
  DeviceTwin(Index rows, Index cols, double scale = 1, Index gap = 3)
      : host(rows, cols, scale, gap), device_(rows * (cols + gap)) {
    for (Index r = 0; r < rows; ++r) to_device(r);
  }
  Twin<T, Device::cpu> host;
  typename Twin<T, Device::cpu>::Wide d = host.d;  // what the reference computes with

  Strided<T> rows() const { return {device_.data(), host.m.stride}; }
  Strided<const T> read() const { return {device_.data(), host.m.stride}; }
  T* data() const { return device_.data(); }

  // Writes the host's numbers to the device, whatever they are now.
  void upload() {
    for (Index r = 0; r < host.m.rows; ++r) {
      to_device(r);
      for (Index c = 0; c < host.m.cols; ++c) d(r, c) = double(host.m(r, c));
    }
  }
  // The largest difference from the reference, in units of what is allowed; 1e9 if something between rows was written.
  double off(double absolute, double relative) {
    const std::vector<T> all = device_.values();
    for (Index r = 0; r < host.m.rows; ++r) {
      const T* const row = all.data() + r * host.m.stride;
      for (Index c = 0; c < host.m.cols; ++c) host.m(r, c) = row[c];
      for (const auto* gap = reinterpret_cast<const unsigned char*>(row + host.m.cols);
           gap < reinterpret_cast<const unsigned char*>(row + host.m.stride); ++gap)
        if (*gap != 0xff) return 1e9;
    }
    return host.off(absolute, relative);
  }

 private:
  DeviceVector<T> device_;
  void to_device(Index r) {
    emulation::DeviceMemory::get().copy_from_host(device_.data() + r * host.m.stride, &host.m(r, 0),
                                                  std::size_t(host.m.cols) * sizeof(T));
  }
};

}  // namespace vlt::simt::test
