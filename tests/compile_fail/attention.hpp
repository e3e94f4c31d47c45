#pragma once
#include <vlt/models/llama.hpp>

// A user's attention that does nothing, right unless BROKEN names the mistake in it.
#define NONE 0
#define BACKWARD_WITHOUT_SAVED 1
#define NO_FIELDS 2
#define FORWARD_RETURNS_Y 3
#define NO_SAVED 4
#define NO_SHAPE 5
#define WRONG_SPACE 6
#define NO_CONSTRUCTOR 7
#define ENDS_IN_OPERANDS 8
#ifndef BROKEN
#define BROKEN NONE
#endif

template <vlt::IsPolicy P> struct MyAttention {
  using in = vlt::operand_t<P, std::conditional_t<BROKEN == WRONG_SPACE, vlt::space::vision, vlt::space::text>>;
  using out = std::conditional_t<BROKEN == ENDS_IN_OPERANDS, vlt::operand_t<P, vlt::space::text>,
                                 vlt::stream_t<P, vlt::space::text>>;
#if BROKEN != NO_SAVED
  struct saved {};
#else
  struct kept {};
  using saved_for_me = kept;
#endif
  vlt::param_t<P> gain;
#if BROKEN != NO_FIELDS
  static constexpr auto fields() { return vlt::members(vlt::member<"gain">(&MyAttention::gain)); }
#endif
#if BROKEN != NO_CONSTRUCTOR
  explicit MyAttention(const vlt::BlockSizes&) {}
#endif
#if BROKEN != NO_SHAPE
  vlt::Shape out_shape(vlt::Shape i) const { return i; }
#endif
#if BROKEN == FORWARD_RETURNS_Y
  out forward(vlt::Scope&, in) { return {}; }
  template <class Dx> void backward(vlt::Scope&, out, Dx, saved&) {}
#elif BROKEN == BACKWARD_WITHOUT_SAVED
  void forward(vlt::Scope&, in, out, saved&) {}
  template <class Dx> void backward(vlt::Scope&, out, Dx) {}
#elif BROKEN == NO_SAVED
  void forward(vlt::Scope&, in, out, kept&) {}
  template <class Dx> void backward(vlt::Scope&, out, Dx, kept&) {}
#else
  void forward(vlt::Scope&, in, out, saved&) {}
  template <class Dx> void backward(vlt::Scope&, out, Dx, saved&) {}
#endif
};

using P = vlt::Policy<vlt::Device::cpu, vlt::Precision::bf16>;
using Block = vlt::LlamaBlock<P, vlt::mask::Causal, MyAttention<P>>;
inline vlt::LlamaDecoder<P, Block> model{vlt::LlamaSizes{}};
