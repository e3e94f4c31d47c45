#include <simt/kernels.hpp>
#include <simt/launch.hpp>

// Kernels as the emulator runs them.
namespace vlt {
namespace {
#define VLT_INSTANCE(...) simt::test::instance_of<__VA_ARGS__>(),
const simt::test::Instance all[] = {VLT_KERNELS(VLT_INSTANCE)};
}  // namespace

std::span<const simt::test::Instance> simt::test::instances() { return all; }

}  // namespace vlt
