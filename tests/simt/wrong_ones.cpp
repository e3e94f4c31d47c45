#include <simt/launch.hpp>
#include <simt/wrong_kernels.hpp>

namespace vlt::simt {
namespace {
#define VLT_INSTANCE(Name) test::instance_of<wrong::Name>(),
const test::Instance all[] = {VLT_WRONG_KERNELS(VLT_INSTANCE)};
}  // namespace

std::span<const test::Instance> test::wrong_ones() { return all; }

}  // namespace vlt::simt
