// Moves, comparisons, conversions.
#include <simt/ptx/thread.hpp>

namespace vlt::simt::ptx {

void Machine::execute(const Instruction& in) {
  if (in.op == Op::ld || in.op == Op::st || in.op == Op::atom) return memory(in);
  if (in.op >= Op::ex2) return function(in);
  if (in.op >= Op::barrier) return together(in);
  if (in.op >= Op::bfe && in.op <= Op::clz) return bit_fields(in);
  if (in.op == Op::mov || in.op >= Op::setp) return move(in);
  if (is_float(in.type)) return float_arithmetic(in);
  if (in.op >= Op::and_) return logic(in);
  integer_arithmetic(in);
}

void Machine::move(const Instruction& in) {
  const int width = bits_of(in.type);
  if (in.op == Op::setp) return set(in.operands[0], compare(in), 1);
  if (in.op == Op::selp) return set(in, get(in, 3) & 1 ? get(in, 1) : get(in, 2));
  if (in.op == Op::cvt) return convert(in);
  if (in.op == Op::cvta) {  // shared addresses are offsets there, addresses here
    const std::uint64_t base = in.space == Space::shared ? reinterpret_cast<std::uint64_t>(shared_) : 0;
    return set(in, in.has("to") ? get(in, 1) - base : get(in, 1) + base);
  }
  const Operand &to = in.operands[0], &from = in.operands[1];
  if (to.kind == Operand::list) {
    const int part = width / int(to.elements.size());
    for (std::size_t i = 0; i < to.elements.size(); ++i) set(to.elements[i], get(from) >> (part * int(i)), part);
  } else if (from.kind == Operand::list) {
    const int part = width / int(from.elements.size());
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < from.elements.size(); ++i)
      all |= zero_extended(get(from.elements[i]), part) << (part * int(i));
    set(in, all);
  } else {
    set(in, get(from));
  }
}

bool Machine::compare(const Instruction& in) const {
  const auto holds = [&](auto x, auto y) {
    const int relation = int(in.compare) % int(Compare::equ);
    const bool results[] = {x == y, x != y, x<y, x <= y, x> y, x >= y};
    return results[relation];
  };
  if (is_float(in.type)) {
    const double x = number(in.type, get(in, 1)), y = number(in.type, get(in, 2));
    const bool unordered = std::isnan(x) || std::isnan(y);
    if (in.compare == Compare::nan) return unordered;
    if (in.compare == Compare::num) return !unordered;
    return unordered ? in.compare >= Compare::equ : holds(x, y);
  }
  const int width = bits_of(in.type);
  if (is_signed(in.type)) return holds(sign_extended(get(in, 1), width), sign_extended(get(in, 2), width));
  return holds(zero_extended(get(in, 1), width), zero_extended(get(in, 2), width));
}

void Machine::convert(const Instruction& in) {
  const std::uint64_t x = get(in, 1);
  const int from_width = bits_of(in.from);
  if (!is_float(in.type) && !is_float(in.from)) {
    const std::uint64_t whole =
        is_signed(in.from) ? std::uint64_t(sign_extended(x, from_width)) : zero_extended(x, from_width);
    // A register of 16 bits or less takes a signed number in 32.
    return set(in.operands[0], whole, bits_of(in.type) < 32 && is_signed(in.type) ? 32 : bits_of(in.type));
  }
  double value = number(in.from, x);
  if (in.has("rni")) value = std::nearbyint(value);
  if (in.has("rzi")) value = std::trunc(value);
  if (in.has("rmi")) value = std::floor(value);
  if (in.has("rpi")) value = std::ceil(value);
  if (in.saturated) value = value > 0 ? std::min(value, 1.0) : 0.0;
  set(in, is_float(in.type) ? bits_of_number(in.type, value) : integer_bits(in.type, value));
}

Numerics& numerics() {
  static Numerics model;
  return model;
}
void run_thread(const Program& program) { Machine(program).run(); }
std::uint64_t instructions_run() { return Machine::executed_; }

}  // namespace vlt::simt::ptx
