#include <cxxabi.h>
#include <cstdlib>
#include <fstream>
#include <simt/launch.hpp>
#include <simt/ptx/machine.hpp>
#include <sstream>
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

// The kernels of the file that VLT_TEST_PTX names, or null; VLT_TEST_NUMERICS (0 to 3) is how they compute.
const ptx::Module* compiled() {
  static const ptx::Module* const module = []() -> const ptx::Module* {
    const char* const path = std::getenv("VLT_TEST_PTX");
    if (!path) return nullptr;
    std::ifstream file(path);
    if (!file) throw std::runtime_error(std::string("VLT_TEST_PTX: cannot read ") + path);
    std::ostringstream text;
    text << file.rdbuf();
    if (const char* const model = std::getenv("VLT_TEST_NUMERICS"))
      ptx::numerics() = {ptx::Numerics::Sum(model[0] - '0'), model[0] == '0' ? 0 : 0x1p-22};
    return new ptx::Module(text.str());
  }();
  return module;
}
// The entry that nvcc made for a kernel type: void vlt::simt::entry<the type>(the type).
const ptx::Entry& entry_of(const ptx::Module& module, const std::string& type) {
  for (const auto& [name, entry] : module.entries()) {
    std::string text = readable(name.c_str());
    if (text.starts_with("void vlt::simt::entry<" + type + ">(") ||
        text.starts_with("void vlt::simt::entry<" + type + " >("))
      return entry;
  }
  throw std::logic_error("the PTX has no kernel " + type);
}
void run_compiled(const void* program) { ptx::run_thread(*static_cast<const ptx::Program*>(program)); }

const Instance* find(std::span<const Instance> all, const std::type_info& type) {
  for (const Instance& i : all)
    if (*i.type == type) return &i;
  return nullptr;
}

}  // namespace

void launch(const std::type_info& type, const void* kernel, std::size_t bytes, Grid grid, unsigned threads,
            std::size_t shared_bytes) {
  const std::string name = readable(type.name());
  const emulation::DeviceMemory::Open open;
  const emulation::Size3 size{grid.x, grid.y, grid.z};
  if (const ptx::Module* const module = compiled()) {
    std::vector<unsigned char> program(sizeof(ptx::Program) + bytes);
    new (program.data()) ptx::Program{&entry_of(*module, name)};
    std::memcpy(program.data() + sizeof(ptx::Program), kernel, bytes);
    return emulation::launch({&run_compiled, program.data(), program.size(), size, threads, shared_bytes, name});
  }
  const Instance* const instance = find(instances(), type) ? find(instances(), type) : find(wrong_ones(), type);
  if (!instance) throw std::logic_error("this kernel is not in the list of tests/simt/kernels.hpp: " + name);
  emulation::launch({instance->run, kernel, bytes, size, threads, shared_bytes, name});
}

}  // namespace vlt::simt::test
