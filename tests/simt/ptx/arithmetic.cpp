// Numbers, bits, functions.
#include <simt/ptx/thread.hpp>

namespace vlt::simt::ptx {

void Machine::float_arithmetic(const Instruction& in) {
  const std::uint64_t a = get(in, 1), sign = std::uint64_t(1) << (bits_of(in.type) - 1);
  if (in.op == Op::neg) return set(in, a ^ sign);
  if (in.op == Op::abs) return set(in, a & ~sign);
  if (in.op == Op::copysign) return set(in, (a & sign) | (get(in, 2) & ~sign));
  if (in.type == Type::f32) {
    const float c = in.op == Op::fma || in.op == Op::mad ? f32(get(in, 3)) : 0;
    if (in.has("rm")) {
      if (in.op != Op::fma) unknown(in);
      return set(in, bits(rounded_down(double(f32(a)) * double(f32(get(in, 2))) + double(c))));
    }
    return set(in, bits(float_result(in, f32(a), f32(get(in, 2)), c)));
  }
  if (in.type != Type::f64) unknown(in);
  const double c = in.op == Op::fma ? f64(get(in, 3)) : 0;
  set(in, bits(float_result(in, f64(a), f64(get(in, 2)), c)));
}

template <class F> F Machine::float_result(const Instruction& in, F a, F b, F c) const {
  switch (in.op) {
    case Op::add:
      return a + b;
    case Op::sub:
      return a - b;
    case Op::mul:
      return a * b;
    case Op::fma:
      return std::fma(a, b, c);
    case Op::div:
      return a / b;
    case Op::min:
      return std::fmin(a, b);
    case Op::max:
      return std::fmax(a, b);
    default:
      unknown(in);
  }
}

void Machine::integer_arithmetic(const Instruction& in) {
  const int width = bits_of(in.type);
  if (in.op == Op::neg) return set(in, 0 - get(in, 1));
  const bool s = is_signed(in.type);
  const auto wide = [&](std::size_t i) {
    const std::uint64_t x = get(in, i);
    return s ? __int128(sign_extended(x, width)) : __int128(zero_extended(x, width));
  };
  const __int128 a = wide(1);
  if (in.op == Op::abs) return set(in, std::uint64_t(a < 0 ? -a : a));
  const __int128 b = wide(2);
  switch (in.op) {
    case Op::add:
      return set(in, std::uint64_t(a + b));
    case Op::sub:
      return set(in, std::uint64_t(a - b));
    case Op::min:
      return set(in, std::uint64_t(a < b ? a : b));
    case Op::max:
      return set(in, std::uint64_t(a < b ? b : a));
    case Op::div:
    case Op::rem:
      if (b == 0) emulation::fail("ptx", "line %d: a division by zero", in.line);
      return set(in, std::uint64_t(in.op == Op::div ? a / b : a % b));
    case Op::mul:
    case Op::mad: {
      const std::uint64_t product = std::uint64_t(in.high ? a * b >> width : a * b);
      const std::uint64_t sum = in.op == Op::mad ? product + get(in, 3) : product;
      return set(in.operands[0], sum, in.wide ? 2 * width : width);
    }
    default:
      unknown(in);
  }
}

void Machine::logic(const Instruction& in) {
  const int width = bits_of(in.type);
  const std::uint64_t a = get(in, 1), b = in.op == Op::not_ ? 0 : get(in, 2);
  const auto count = std::uint32_t(b);
  switch (in.op) {
    case Op::and_:
      return set(in, a & b);
    case Op::or_:
      return set(in, a | b);
    case Op::xor_:
      return set(in, a ^ b);
    case Op::not_:
      return set(in, ~a);
    case Op::shl:
      return set(in, count >= std::uint32_t(width) ? 0 : a << count);
    default:  // shr
      if (is_signed(in.type))
        return set(in,
                   std::uint64_t(sign_extended(a, width) >> std::min<std::uint32_t>(count, std::uint32_t(width - 1))));
      return set(in, count >= std::uint32_t(width) ? 0 : zero_extended(a, width) >> count);
  }
}

void Machine::bit_fields(const Instruction& in) {
  const int width = bits_of(in.type);
  const std::uint64_t a = zero_extended(get(in, 1), width);
  if (in.op == Op::popc) return set(in.operands[0], std::uint64_t(std::popcount(a)), 32);
  if (in.op == Op::clz) return set(in.operands[0], std::uint64_t(std::countl_zero(a) - (64 - width)), 32);
  if (in.op == Op::bfi) {
    const std::uint64_t at = get(in, 3) & 255, length = get(in, 4) & 255;
    if (length == 0 || at >= std::uint64_t(width)) return set(in, get(in, 2));
    const std::uint64_t field = zero_extended(~std::uint64_t(0), int(std::min<std::uint64_t>(length, 64))) << at;
    return set(in, (get(in, 2) & ~field) | (a << at & field));
  }
  if (in.op != Op::prmt || in.modifiers.size() != 1) unknown(in);
  const std::uint64_t both = a | get(in, 2) << 32;
  std::uint64_t result = 0;
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t chosen = get(in, 3) >> (4 * i) & 15, byte = both >> (8 * (chosen & 7)) & 255;
    result |= (chosen & 8 ? (byte & 128 ? 255u : 0u) : byte) << (8 * i);
  }
  set(in, result);
}

void Machine::function(const Instruction& in) {
  if (in.type != Type::f32) {
    if (in.op != Op::sqrt && in.op != Op::rcp) unknown(in);
    const double x = f64(get(in, 1));
    return set(in, bits(in.op == Op::sqrt ? std::sqrt(x) : 1 / x));
  }
  const double x = f32(get(in, 1));
  double y = 0;
  switch (in.op) {
    case Op::ex2:
      y = std::exp2(x);
      break;
    case Op::lg2:
      y = std::log2(x);
      break;
    case Op::rsqrt:
      y = 1 / std::sqrt(x);
      break;
    case Op::sqrt:
      y = std::sqrt(x);
      break;
    case Op::rcp:
      y = 1 / x;
      break;
    case Op::sin:
      y = std::sin(x);
      break;
    case Op::cos:
      y = std::cos(x);
      break;
    default:
      y = std::tanh(x);
  }
  if (in.approximate) y *= 1 + numerics().noise * (double(executed_ * 2654435761u % 2001) / 1000 - 1);
  if (in.has("ftz") && std::fabs(y) < 0x1p-126) y = std::copysign(0.0, y);
  set(in, bits(float(y)));
}

}  // namespace vlt::simt::ptx
