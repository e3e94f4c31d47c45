#include <cxxabi.h>
#include <cstdlib>
#include <simt/launch.hpp>
#include <stdexcept>

namespace vlt::simt::test {
namespace {

std::string readable(const char* mangled) {
  int status = 0;
  char* const text = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
  const std::string result = text ? text : mangled;
  std::free(text);
  return result;
}
const Instance* find(std::span<const Instance> all, const std::type_info& type) {
  for (const Instance& i : all)
    if (*i.type == type) return &i;
  return nullptr;
}

}  // namespace

void launch(const std::type_info& type, const void* kernel, std::size_t bytes, Grid grid, unsigned threads,
            std::size_t shared_bytes) {
  const Instance* const instance = find(instances(), type) ? find(instances(), type) : find(wrong_ones(), type);
  if (!instance)
    throw std::logic_error("this kernel is not in the list of tests/simt/kernels.hpp: " + readable(type.name()));
  const emulation::DeviceMemory::Open open;
  emulation::launch(
      {instance->run, kernel, bytes, {grid.x, grid.y, grid.z}, threads, shared_bytes, readable(type.name())});
}

}  // namespace vlt::simt::test
