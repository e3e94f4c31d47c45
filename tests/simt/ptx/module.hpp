#pragma once
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// The PTX that nvcc made of kernels, read into instructions that an interpreter can follow. What is not known is an
// error with its line, never passed over. Meanings: PTX ISA 9.0.
namespace vlt::simt::ptx {

// PTX that cannot be read, or an instruction that is not known.
struct Unreadable : std::runtime_error {
  using runtime_error::runtime_error;
};

enum class Type : std::uint8_t { none, u8, u16, u32, u64, s8, s16, s32, s64, f16, bf16, f32, f64, pred };
int bits_of(Type);
bool is_signed(Type);
bool is_float(Type);

enum class Op : std::uint8_t {
  mov,
  ld,
  st,
  atom,
  add,
  sub,
  mul,
  mad,
  fma,
  div,
  rem,
  min,
  max,
  neg,
  abs,
  copysign,
  and_,
  or_,
  xor_,
  not_,
  shl,
  shr,
  bfe,
  bfi,
  prmt,
  popc,
  clz,
  setp,
  selp,
  cvt,
  cvta,
  bra,
  ret,
  barrier,
  warp_barrier,
  fence,
  shfl,
  mma,
  ldmatrix,
  cp_async,
  cp_commit,
  cp_wait,
  ex2,
  lg2,
  rsqrt,
  sqrt,
  rcp,
  sin,
  cos,
  tanh
};
enum class Space : std::uint8_t { generic, global, shared, param, local };
enum class Compare : std::uint8_t { eq, ne, lt, le, gt, ge, equ, neu, ltu, leu, gtu, geu, nan, num };
enum class Shuffle : std::uint8_t { bfly, idx, up, down };
enum class Special : std::uint8_t {
  tid,
  zero,
  one,
  ctaid_x,
  ctaid_y,
  ctaid_z,
  ntid,
  nctaid_x,
  nctaid_y,
  nctaid_z,
  laneid,
  warpid
};

struct Operand {
  enum Kind : std::uint8_t { nothing, reg, immediate, special, param, shared, local, list } kind = nothing;
  std::uint64_t value = 0;  // number of a register, bits, which special register, offset of a symbol
  std::int64_t offset = 0;  // of an address
  std::vector<Operand> elements;
};

struct Instruction {
  Op op;
  Type type = Type::none, from = Type::none;  // the second of a conversion
  std::vector<std::string> modifiers;
  int guard = -1;  // a predicate
  bool guard_negated = false;
  std::vector<Operand> operands;
  int target = -1;  // of a branch
  int line = 0;
  int vector = 1;
  Space space = Space::generic;
  Compare compare = Compare::eq;
  Shuffle shuffle = Shuffle::bfly;
  bool approximate = false, wide = false, high = false, saturated = false, pair = false;
  bool has(std::string_view modifier) const;
};

// One kernel.
struct Entry {
  std::string name;
  std::vector<Instruction> code;
  std::unordered_map<std::string, int> registers;
  std::map<std::string, std::size_t, std::less<>> params, local, shared;  // offsets of symbols
  std::size_t param_bytes = 0, local_bytes = 0;
};

// A file of PTX.
class Module {
 public:
  explicit Module(const std::string& text);
  const std::map<std::string, Entry>& entries() const { return entries_; }

 private:
  std::map<std::string, Entry> entries_;
};

}  // namespace vlt::simt::ptx
