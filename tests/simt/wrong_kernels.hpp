#pragma once
#include <vlt/simt/vocabulary.hpp>

// Kernels with one defect each, and a few that only look wrong: what the checker must find, and must not find.
namespace vlt::simt::wrong {

inline constexpr int size = 256;  // threads of a block, and numbers of `in` and `out`

// A kernel of one block or more; `one` is 1, but the compiler does not know.
#define VLT_WRONG(Name, floats_shared, ...)                            \
  struct Name {                                                        \
    static constexpr int threads = size;                               \
    const float* in;                                                   \
    float* out;                                                        \
    int one;                                                           \
    unsigned blocks;                                                   \
    Grid grid() const { return {blocks}; }                             \
    template <class Arena> VLT_SIMT float* carve(Arena& arena) const { \
      return arena.template take<float>(floats_shared);                \
    }                                                                  \
    VLT_SIMT void operator()() const {                                 \
      SharedArena arena;                                               \
      float* const shared = carve(arena);                              \
      const int t = int(thread_index());                               \
      __VA_ARGS__(void) shared, (void)t;                               \
    }                                                                  \
  };

// What is right.
VLT_WRONG(RightReverse, size, shared[t] = in[t]; sync_block(); out[t] = shared[size - 1 - t];)
VLT_WRONG(RightInWarp, size, shared[t] = in[t]; sync_warp(); out[t] = shared[t ^ 1];)
VLT_WRONG(RightAtomic, size, atomic_add(out, in[t]);)
VLT_WRONG(RightAgain, size, shared[t] = in[t]; sync_block(); const float v = shared[size - 1 - t]; sync_block();
          shared[t] = v; sync_block(); out[t] = shared[size - 1 - t];)

// Order: barriers that are missing, or that not everybody reaches.
VLT_WRONG(ReadTooEarly, size, shared[t] = in[t]; out[t] = shared[size - 1 - t];)
VLT_WRONG(OverwrittenTooEarly, size, shared[t] = in[t]; sync_block(); const float v = shared[size - 1 - t];
          shared[t] = 2 * v; sync_block(); out[t] = shared[t];)
VLT_WRONG(NoWarpBarrier, size, shared[t] = in[t]; out[t] = shared[t ^ 1];)
VLT_WRONG(WarpBarrierBetweenWarps, size, shared[t] = in[t]; sync_warp(); out[t] = shared[t ^ 32];)
VLT_WRONG(BarrierForSome, size, const float v = in[t]; if (t < 64) sync_block(); out[t] = v;)
VLT_WRONG(BarrierAfterReturn, size, if (t >= 200) return; const float v = in[t]; sync_block(); out[t] = v;)
VLT_WRONG(BarriersOfALoop, size, float v = 0; for (int i = 0; i < 2 + (t > 100); ++i) v += in[t], sync_block();
          out[t] = v;)
VLT_WRONG(ShuffleForSome, size, float v = in[t]; if (t % 32 < 16) v += shuffle_xor(v, 1); out[t] = v;)
VLT_WRONG(ShuffleOutOfMask, size, float v = in[t]; if (t % 32 < 16) v += shuffle_xor(v, 16, 0xffffu); out[t] = v;)
VLT_WRONG(ShuffleWithoutMe, size, float v = in[t]; v += shuffle_xor(v, 1, 0xffffu); out[t] = v;)
VLT_WRONG(BlocksWriteOneNumber, size, out[t] = in[t] + float(block_x());)
VLT_WRONG(SumWithoutAtomic, size, out[0] = out[0] + in[t];)
VLT_WRONG(AtomicAndPlain, size, if (t % 2 == 0) atomic_add(out, in[t]); else out[0] = in[t];)

// Places: outside of what was taken or allocated.
VLT_WRONG(SharedBehindTheEnd, size - 1, shared[t] = in[t]; sync_block(); out[t] = shared[t];)
VLT_WRONG(SharedBeforeTheStart, size, shared[t - 1] = in[t]; sync_block(); out[t] = shared[t];)
VLT_WRONG(ReadBehindTheEnd, size, out[t] = in[t + 1];)
VLT_WRONG(WriteBehindTheEnd, size, out[t + 1] = in[t];)
VLT_WRONG(ReadFarAway, size, out[t] = in[t + (1 << 20)];)
VLT_WRONG(ReadReleased, size, out[t] = in[t];)
VLT_WRONG(ReadHost, size, out[t] = in[t];)
VLT_WRONG(WriteParameter, size, const_cast<WriteParameter*>(this)->one = t; out[t] = in[t];)
VLT_WRONG(MisalignedVector, size, const auto v = load<float, 4>(in + t % 60 * 4 + 1); out[t] = v[0] + v[3];)
VLT_WRONG(MisalignedCast, size, const auto v = *reinterpret_cast<const Vec<float, 2>*>(in + t % 100 * 2 + 1);
          out[t] = v[0] + v[1];)
VLT_WRONG(RegisterBehindTheEnd, size, float r[8]; for (int i = 0; i < 8; ++i) r[i] = in[t]; out[t] = r[8 * one];)
VLT_WRONG(IndexOverflow, size, const int far = 70000 * one * (t + 40000 * one); out[t] = in[unsigned(far) % size];)

// Values that nobody wrote.
VLT_WRONG(SharedUnwritten, size, if (t != 7) shared[t] = in[t]; sync_block(); out[t] = shared[t];)
VLT_WRONG(DeviceUnwritten, size, out[t] = out[t] + in[t];)

// Asynchronous copies.
VLT_WRONG(CopyNotAwaited, size, if (t < 64) copy_async16(shared + 4 * t, in + 4 * t); commit_copies(); sync_block();
          out[t] = shared[t]; wait_for_copies<0>();)
VLT_WRONG(CopyNeverAwaited, size, if (t < 64) copy_async16(shared + 4 * t, in + 4 * t); commit_copies();
          out[t] = in[t];)
VLT_WRONG(CopyWithoutBarrier, size, if (t < 64) copy_async16(shared + 4 * t, in + 4 * t); commit_copies();
          wait_for_copies<0>(); out[t] = shared[t ^ 32];)
VLT_WRONG(CopyMisaligned, size + 4, if (t < 64) copy_async16(shared + 4 * t + 1, in + 4 * t); commit_copies();
          wait_for_copies<0>(); sync_block(); out[t] = shared[t + 1];)
VLT_WRONG(CopyIntoDevice, size, if (t < 64) copy_async16(out + 4 * t, in + 4 * t); commit_copies();
          wait_for_copies<0>();)
#undef VLT_WRONG

// Two barriers, of which each warp comes to one.
struct TwoBarriers {
  static constexpr int threads = size;
  const float* in;
  float* out;
  int one;
  unsigned blocks;
  Grid grid() const { return {blocks}; }
  VLT_SIMT void operator()() const {
    const unsigned t = thread_index();
    const float v = in[t];
    if (t & 32u) sync_block();
    else { sync_block(); }
    out[t] = v;
  }
};

// Takes more shared memory than it says.
struct TakesMore {
  static constexpr int threads = size;
  const float* in;
  float* out;
  int one;
  unsigned blocks;
  Grid grid() const { return {blocks}; }
  template <class Arena> VLT_SIMT float* carve(Arena& arena) const { return arena.template take<float>(size / 2); }
  VLT_SIMT void operator()() const {
    SharedArena arena;
    float* const shared = arena.take<float>(size);
    const unsigned t = thread_index();
    shared[t] = in[t];
    sync_block();
    out[t] = shared[t];
  }
};

}  // namespace vlt::simt::wrong

// It would push every line of such a list further to the right.
// clang-format off
#define VLT_WRONG_KERNELS(KERNEL) \
  KERNEL(RightReverse) KERNEL(RightInWarp) KERNEL(RightAtomic) KERNEL(RightAgain) KERNEL(ReadTooEarly) \
  KERNEL(OverwrittenTooEarly) KERNEL(NoWarpBarrier) KERNEL(WarpBarrierBetweenWarps) KERNEL(BarrierForSome) \
  KERNEL(BarrierAfterReturn) KERNEL(BarriersOfALoop) KERNEL(ShuffleForSome) KERNEL(ShuffleOutOfMask) \
  KERNEL(ShuffleWithoutMe) KERNEL(BlocksWriteOneNumber) KERNEL(SumWithoutAtomic) KERNEL(AtomicAndPlain) \
  KERNEL(SharedBehindTheEnd) KERNEL(SharedBeforeTheStart) KERNEL(ReadBehindTheEnd) KERNEL(WriteBehindTheEnd) \
  KERNEL(ReadFarAway) KERNEL(ReadReleased) KERNEL(ReadHost) KERNEL(WriteParameter) KERNEL(MisalignedVector) \
  KERNEL(MisalignedCast) KERNEL(RegisterBehindTheEnd) KERNEL(IndexOverflow) KERNEL(SharedUnwritten) \
  KERNEL(DeviceUnwritten) KERNEL(CopyNotAwaited) KERNEL(CopyNeverAwaited) KERNEL(CopyWithoutBarrier) \
  KERNEL(CopyMisaligned) KERNEL(CopyIntoDevice) KERNEL(TwoBarriers) KERNEL(TakesMore)
// clang-format on
