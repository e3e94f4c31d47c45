// Memory, and what threads do together.
#include <cstring>
#include <simt/ptx/thread.hpp>
#include <simt/ptx/warp.hpp>

namespace vlt::simt::ptx {

void Machine::memory(const Instruction& in) {
  const int bytes = bits_of(in.type) / 8;
  const bool watched = in.space != Space::param && in.space != Space::local;
  if (in.op == Op::atom) return atomic(in);
  const bool store = in.op == Op::st;
  unsigned char* const at = address(in, in.operands[store ? 0 : 1]);
  const Operand& values = in.operands[store ? 1 : 0];
  if (watched)
    emulation::touch(at, std::size_t(bytes * in.vector), store ? emulation::Access::write : emulation::Access::read,
                     site(in, store ? "st" : "ld"));
  for (int i = 0; i < in.vector; ++i) {
    const Operand& o = in.vector == 1 ? values : values.elements[std::size_t(i)];
    std::uint64_t x = store ? get(o) : 0;
    if (store) std::memcpy(at + i * bytes, &x, std::size_t(bytes));
    else {
      std::memcpy(&x, at + i * bytes, std::size_t(bytes));
      if (is_signed(in.type) && bytes < 4) set(o, std::uint64_t(sign_extended(x, 8 * bytes)), 32);
      else set(o, x, 8 * bytes);
    }
  }
}

void Machine::atomic(const Instruction& in) {
  struct Sum {
    Type type;
    std::uint64_t value, before;
  };
  const bool returns = in.operands.size() == 3;
  const bool known = in.type == Type::f32 || in.type == Type::u32 || in.type == Type::s32;
  if (!in.has("add") || !known) unknown(in);
  Sum sum{in.type, get(in, returns ? 2 : 1), 0};
  emulation::change_atomically(
      address(in, in.operands[returns ? 1 : 0]), 4,
      [](void* place, void* argument) {
        auto& s = *static_cast<Sum*>(argument);
        std::memcpy(&s.before, place, 4);
        const std::uint64_t after = s.type == Type::f32 ? bits(f32(s.before) + f32(s.value)) : s.before + s.value;
        std::memcpy(place, &after, 4);
      },
      &sum, site(in, "atom"));
  if (returns) set(in.operands[0], sum.before, 32);
}

void Machine::together(const Instruction& in) {
  switch (in.op) {
    case Op::barrier:
      return emulation::sync_block(site(in, "bar.sync"));
    case Op::warp_barrier:
      return emulation::meet(
          std::uint32_t(get(in, 0)), [](void* const*, std::uint32_t) {}, nullptr, true, site(in, "bar.warp.sync"));
    case Op::fence:
      return;
    case Op::shfl:
      return shuffle_lanes(in);
    case Op::mma:
      return multiply_fragments(in);
    case Op::ldmatrix:
      return load_fragments(in);
    case Op::cp_async: {
      const auto bytes = unsigned(get(in, 2)), there = in.operands.size() > 3 ? unsigned(get(in, 3)) : bytes;
      const auto* const from = reinterpret_cast<const void*>(get(in, 1) + std::uint64_t(in.operands[1].offset));
      return emulation::copy_async(address(in, in.operands[0]), from, bytes, there, site(in, "cp.async"));
    }
    case Op::cp_commit:
      return emulation::commit_copies();
    default:
      return emulation::wait_for_copies(unsigned(get(in, 0)));
  }
}

void Machine::shuffle_lanes(const Instruction& in) {
  constexpr emulation::LaneFunction by_mode[] = {&shuffle<Shuffle::bfly>, &shuffle<Shuffle::idx>, &shuffle<Shuffle::up>,
                                                 &shuffle<Shuffle::down>};
  const std::size_t first = in.pair ? 2 : 1;
  ShuffleLane mine{std::uint32_t(get(in, first)), std::uint32_t(get(in, first + 1)), std::uint32_t(get(in, first + 2)),
                   0, false};
  emulation::meet(std::uint32_t(get(in, first + 3)), by_mode[int(in.shuffle)], &mine, false, site(in, "shfl.sync"));
  set(in.operands[0], mine.result, 32);
  if (in.pair) set(in.operands[1], mine.in_range, 1);
}

void Machine::multiply_fragments(const Instruction& in) {
  const bool half = in.has("f16");
  if (!in.has("m16n8k16") || !in.has("row") || !in.has("col") || in.type != Type::f32 || !(half || in.has("bf16")))
    unknown(in);
  MmaLane mine{};
  for (std::size_t i = 0; i < 4; ++i) {
    mine.a[i] = std::uint32_t(get(in.operands[1].elements.at(i)));
    mine.c[i] = f32(get(in.operands[3].elements.at(i)));
  }
  for (std::size_t i = 0; i < 2; ++i) mine.b[i] = std::uint32_t(get(in.operands[2].elements.at(i)));
  emulation::meet(~0u, half ? &multiply<Type::f16> : &multiply<Type::bf16>, &mine, false, site(in, "mma.sync"));
  for (std::size_t i = 0; i < 4; ++i) set(in.operands[0].elements.at(i), bits(mine.d[i]), 32);
}

void Machine::load_fragments(const Instruction& in) {
  const int matrices = in.has("x4") ? 4 : in.has("x2") ? 2 : 1;
  constexpr emulation::LaneFunction plain[] = {&load_matrices<false, 1>, &load_matrices<false, 2>, nullptr,
                                               &load_matrices<false, 4>};
  constexpr emulation::LaneFunction transposed[] = {&load_matrices<true, 1>, &load_matrices<true, 2>, nullptr,
                                                    &load_matrices<true, 4>};
  LdmatrixLane mine{address(in, in.operands[1]), {}};
  if (int(view_.lane) < 8 * matrices) emulation::touch(mine.row, 16, emulation::Access::read, site(in, "ldmatrix"));
  emulation::meet(~0u, (in.has("trans") ? transposed : plain)[matrices - 1], &mine, false, site(in, "ldmatrix"));
  const Operand& to = in.operands[0];
  for (int i = 0; i < matrices; ++i)
    set(to.kind == Operand::list ? to.elements.at(std::size_t(i)) : to, mine.result[i], 32);
}

}  // namespace vlt::simt::ptx
