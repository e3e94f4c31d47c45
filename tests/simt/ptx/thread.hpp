#pragma once
#include <simt/emulator/block.hpp>
#include <simt/ptx/machine.hpp>
#include <simt/ptx/values.hpp>
#include <vector>

namespace vlt::simt::ptx {

// One thread: its registers, its local memory, and the block's shared memory as one piece.
class Machine {
 public:
  explicit Machine(const Program& program)
      : entry_(*program.entry),
        parameters_(program.parameters()),
        registers_(entry_.registers.size()),
        local_(entry_.local_bytes + 16, 0xff),
        view_(emulation::this_thread()) {
    if (const std::size_t bytes = emulation::Block::current()->launch().shared_bytes)
      shared_ = static_cast<unsigned char*>(emulation::take_shared(bytes, {"ptx", 0, "shared memory"}));
  }
  void run() {
    for (std::size_t at = 0;;) {
      const Instruction& in = entry_.code[at++];
      ++executed_;
      if (in.guard >= 0 && bool(registers_[std::size_t(in.guard)] & 1) == in.guard_negated) continue;
      if (in.op == Op::ret) return;
      if (in.op == Op::bra) at = std::size_t(in.target);
      else execute(in);
    }
  }

 private:
  const Entry& entry_;
  const unsigned char* parameters_;
  std::vector<std::uint64_t> registers_;
  std::vector<unsigned char> local_;
  emulation::ThreadView view_;
  unsigned char* shared_ = nullptr;
  inline static std::uint64_t executed_ = 0;
  friend std::uint64_t instructions_run();

  // Operands.
  std::uint64_t special(Special s) const {
    const std::uint64_t all[] = {view_.index,
                                 0,
                                 1,
                                 view_.block.x,
                                 view_.block.y,
                                 view_.block.z,
                                 view_.threads,
                                 view_.grid.x,
                                 view_.grid.y,
                                 view_.grid.z,
                                 view_.lane,
                                 view_.warp};
    return all[int(s)];
  }
  std::uint64_t get(const Operand& o) const {
    switch (o.kind) {
      case Operand::reg:
        return registers_[o.value];
      case Operand::special:
        return special(Special(o.value));
      case Operand::param:
        return reinterpret_cast<std::uint64_t>(parameters_) + o.value;
      case Operand::local:
        return reinterpret_cast<std::uint64_t>(local_.data()) + o.value;
      default:
        return o.value;
    }
  }
  std::uint64_t get(const Instruction& in, std::size_t i) const { return get(in.operands.at(i)); }
  void set(const Operand& o, std::uint64_t x, int width) {
    if (o.kind == Operand::reg) registers_[o.value] = zero_extended(x, width);
  }
  void set(const Instruction& in, std::uint64_t x) { set(in.operands[0], x, bits_of(in.type)); }
  unsigned char* address(const Instruction& in, const Operand& o) const {
    const std::uint64_t at = get(o) + std::uint64_t(o.offset);
    if (in.space == Space::shared || o.kind == Operand::shared) return shared_ + std::uint32_t(at);
    return reinterpret_cast<unsigned char*>(at);
  }
  [[noreturn]] void unknown(const Instruction& in) const {
    std::string text;
    for (const auto& m : in.modifiers) text += "." + m;
    emulation::fail("ptx", "line %d: operation %d%s is not known", in.line, int(in.op), text.c_str());
  }
  emulation::Site site(const Instruction& in, const char* name) const { return {"ptx", in.line, name}; }

  // Instructions, by families.
  void execute(const Instruction& in);
  void move(const Instruction& in);
  bool compare(const Instruction& in) const;
  void convert(const Instruction& in);
  void float_arithmetic(const Instruction& in);
  template <class F> F float_result(const Instruction& in, F a, F b, F c) const;
  void integer_arithmetic(const Instruction& in);
  void logic(const Instruction& in);
  void bit_fields(const Instruction& in);
  void function(const Instruction& in);
  void memory(const Instruction& in);
  void atomic(const Instruction& in);
  void together(const Instruction& in);
  void shuffle_lanes(const Instruction& in);
  void multiply_fragments(const Instruction& in);
  void load_fragments(const Instruction& in);
};

}  // namespace vlt::simt::ptx
