// The checker is installed, and must find every planted defect and nothing else.
#include <catch2/catch.hpp>
#include <cstdio>
#include <simt/emulator/checker.hpp>
#include <simt/launch.hpp>
#include <simt/wrong_kernels.hpp>
using namespace vlt;
using namespace vlt::simt;
using simt::test::DeviceVector;

namespace {
[[maybe_unused]] const bool installed = (emulation::install_checker(), true);

struct Expected {
  const char* kinds;  // of the violation, or two of which the order of threads decides; "": none
  unsigned blocks = 1;
};
struct Tally {
  int caught = 0, missed = 0, clean = 0, false_alarms = 0;
};

template <class K> K kernel_on(const DeviceVector<float>& in, const DeviceVector<float>& out, unsigned blocks) {
  static std::vector<float> host(wrong::size, 1.0f);
  const float* from = in.data();
  if constexpr (std::is_same_v<K, wrong::ReadHost>) from = host.data();
  if constexpr (std::is_same_v<K, wrong::ReadReleased>)
    from = DeviceVector<float>(std::vector<float>(wrong::size)).data();
  return {from, out.data(), 1, blocks};
}

template <class K> void look_at(const char* name, Expected expected, Tally& tally) {
  std::vector<float> numbers(wrong::size, 1.0f);
  test::under_all_schedules([&] {
    const DeviceVector<float> in(numbers), unwritten(wrong::size), zeros(std::vector<float>(wrong::size, 0.0f));
    constexpr bool sums = std::is_same_v<K, wrong::RightAtomic> || std::is_same_v<K, wrong::SumWithoutAtomic> ||
                          std::is_same_v<K, wrong::AtomicAndPlain>;
    std::string found;
    try {
      test::launch(kernel_on<K>(in, sums ? zeros : unwritten, expected.blocks));
    } catch (const emulation::Violation& v) {
      found = v.kind;
      INFO(name << ": " << v.what());
      CHECK(std::string(v.what()).find(name) != std::string::npos);
    }
    const bool defect = *expected.kinds != 0;
    ++(defect ? found.empty() ? tally.missed : tally.caught : found.empty() ? tally.clean : tally.false_alarms);
    INFO(name);
    CAPTURE(found, expected.kinds);
    CHECK((found.empty() ? !defect : std::string(expected.kinds).find(found) != std::string::npos));
  });
}

#define VLT_LOOK(Name, ...) look_at<wrong::Name>(#Name, Expected{__VA_ARGS__}, tally);
void order(Tally& tally) {
  VLT_LOOK(RightReverse, "")
  VLT_LOOK(RightInWarp, "")
  VLT_LOOK(RightAtomic, "", 2)
  VLT_LOOK(RightAgain, "")
  VLT_LOOK(ReadTooEarly, "race or uninitialised")
  VLT_LOOK(OverwrittenTooEarly, "race")
  VLT_LOOK(NoWarpBarrier, "race or uninitialised")
  VLT_LOOK(WarpBarrierBetweenWarps, "race or uninitialised")
  VLT_LOOK(BarrierForSome, "divergent-barrier")
  VLT_LOOK(TwoBarriers, "divergent-barrier")
  VLT_LOOK(BarrierAfterReturn, "divergent-barrier")
  VLT_LOOK(BarriersOfALoop, "divergent-barrier")
  VLT_LOOK(ShuffleForSome, "bad-mask or deadlock")
  VLT_LOOK(ShuffleOutOfMask, "shuffle")
  VLT_LOOK(ShuffleWithoutMe, "bad-mask")
  VLT_LOOK(BlocksWriteOneNumber, "race", 2)
  VLT_LOOK(SumWithoutAtomic, "race")
  VLT_LOOK(AtomicAndPlain, "race")
}
void places(Tally& tally) {
  VLT_LOOK(SharedBehindTheEnd, "shared-bounds")
  VLT_LOOK(SharedBeforeTheStart, "shared-bounds")
  VLT_LOOK(TakesMore, "shared-size")
  VLT_LOOK(ReadBehindTheEnd, "global-bounds")
  VLT_LOOK(WriteBehindTheEnd, "global-bounds")
  VLT_LOOK(ReadFarAway, "global-bounds")
  VLT_LOOK(ReadReleased, "global-bounds")
  VLT_LOOK(ReadHost, "host-memory")
  VLT_LOOK(WriteParameter, "parameters")
  VLT_LOOK(MisalignedVector, "misaligned")
  VLT_LOOK(MisalignedCast, "misaligned")
  VLT_LOOK(RegisterBehindTheEnd, "undefined")
  VLT_LOOK(IndexOverflow, "undefined")
  VLT_LOOK(SharedUnwritten, "uninitialised")
  VLT_LOOK(DeviceUnwritten, "uninitialised")
}
void copies(Tally& tally) {
  VLT_LOOK(CopyNotAwaited, "race")
  VLT_LOOK(CopyNeverAwaited, "async-copy")
  VLT_LOOK(CopyWithoutBarrier, "race or uninitialised")
  VLT_LOOK(CopyMisaligned, "misaligned")
  VLT_LOOK(CopyIntoDevice, "bad-space")
}
}  // namespace

TEST_CASE("the checker finds every planted defect and nothing else") {
  Tally tally;
  order(tally), places(tally), copies(tally);
  std::printf("planted defects: %d caught, %d missed; right kernels: %d clean, %d false alarms (3 schedules each)\n",
              tally.caught, tally.missed, tally.clean, tally.false_alarms);
  CHECK(tally.missed == 0);
  CHECK(tally.false_alarms == 0);
  CHECK(emulation::accesses_checked() > 10000);
}
