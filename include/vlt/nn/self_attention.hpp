#pragma once
#include <vlt/nn/block_sizes.hpp>
#include <vlt/nn/kv_cache.hpp>
#include <vlt/nn/linear_group.hpp>
#include <vlt/ops/attention.hpp>
#include <vlt/ops/rope.hpp>

namespace vlt {

// Grouped-query attention within each sequence: fused q/k/v, rotary positions if there are any, output projection.
template <IsPolicy P, class Mask, class Space = space::text> struct SelfAttention {
  using in = operand_t<P, Space>;
  using out = stream_t<P, Space>;
  using statistic = Matrix<typename P::accum, P::device>;
  using Group = LinearGroup<P, Space, "q_proj", "k_proj", "v_proj">;
  using Output = Linear<P, in, out>;
  using Cached = KvLayer<typename P::operand, P::device>;
  struct saved {
    typename Group::saved group;
    typename Output::saved output;
    in qkv;         // (rows, (heads + 2 kv_heads) * head_dim): turned queries and keys, values
    in o;           // (rows, heads * head_dim): what the output projection reads
    statistic lse;  // (rows, heads * groups of the mask)
  };

  Group qkv;
  Output output;
  Index heads = 0, kv_heads = 0, head_dim = 0;
  Rope rope;
  static constexpr auto fields() {  // CLIP and LLaMA name the same matrix differently
    if constexpr (std::is_same_v<Space, space::text>)
      return members(member<"">(&SelfAttention::qkv), member<"o_proj">(&SelfAttention::output));
    else return members(member<"">(&SelfAttention::qkv), member<"out_proj">(&SelfAttention::output));
  }

  SelfAttention() = default;
  explicit SelfAttention(const BlockSizes& c)
      : qkv({c.heads * c.head_dim, c.kv_heads * c.head_dim, c.kv_heads * c.head_dim}, c.width, c.qkv_bias),
        output(c.width, c.heads * c.head_dim, c.output_bias),
        heads(c.heads),
        kv_heads(c.kv_heads),
        head_dim(c.head_dim),
        rope(c.rope) {}
  Shape out_shape(Shape i) const { return {i.rows, output.weight.value.rows}; }
  bool keeps_input() const { return qkv.keeps_input(); }
  Index kv_width() const { return kv_heads * head_dim; }

  void forward(Scope& s, in x, out y, saved& k, out residual = {}) {
    Frame frame(s);
    const Shape wide{x.rows, heads * head_dim};
    k.qkv = s.keep<in>(qkv.out_shape(x.shape()), x.segments);
    k.o = s.keep_if<in>(output.keeps_input(), wide, x.segments);
    k.lse = s.keep<statistic>({x.rows, heads * Mask::groups});
    qkv.forward(s, x, k.qkv, k.group);
    turn_q_and_k(s, k.qkv, rope, ops::Turn::forward);
    ops::attention<Mask>(s, sizes(x), part(k.qkv, 0), part(k.qkv, 1), part(k.qkv, 2), k.o, k.lse);
    output.forward(s, k.o, y, k.output, residual);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    auto d_o = s.temp<in>({dy.rows, heads * head_dim}, dy.segments), d_qkv = s.temp<in>(k.qkv.shape(), dy.segments);
    output.backward(s, dy, overwrite(d_o), k.output);
    ops::attention_backward<Mask>(s, sizes(k.qkv), d_o, part(k.qkv, 0), part(k.qkv, 1), part(k.qkv, 2), k.lse,
                                  part(d_qkv, 0), part(d_qkv, 1), part(d_qkv, 2),
                                  output.keeps_input() ? Operand(k.o) : Operand{});
    turn_q_and_k(s, d_qkv, rope, ops::Turn::backward);
    qkv.backward(s, d_qkv, dx, k.group);
  }

  // The same for the next rows of one sequence, whose earlier keys and values are in the cache.
  void extend(Scope& s, in x, out y, Cached cache) {
    Frame frame(s);
    const Index total = cache.seen.rows(), first = total - x.rows;
    auto fused = s.temp<in>(qkv.out_shape(x.shape()), x.segments);
    auto o = s.temp<in>({x.rows, heads * head_dim}, x.segments);
    auto lse = s.temp<statistic>({x.rows, heads * Mask::groups});
    infer(s, qkv, x, fused);
    // Angles that follow the length: new rows take those of the length so far; older keys stay as they were turned.
    const Rope grown = rope.dynamic_factor > 0 ? at_length(total) : Rope{};
    turn_q_and_k(s, fused, rope.dynamic_factor > 0 ? grown : rope, ops::Turn::forward);
    ops::convert(s, part(fused, 1), row_range(cache.k, first, x.rows));
    ops::convert(s, part(fused, 2), row_range(cache.v, first, x.rows));
    ops::attention<Mask>(s, {heads, kv_heads, head_dim, x.segments, cache.seen}, part(fused, 0),
                         Operand(row_range(cache.k, 0, total)), Operand(row_range(cache.v, 0, total)), Operand(o), lse);
    infer(s, output, o, y);
  }

 private:
  using Operand = Matrix<typename P::operand, P::device>;
  Operand part(in all, int i) const { return qkv.part(all, i); }
  Rope at_length(Index n) const {
    Rope fixed;
    for (Index i = 0; i < head_dim / 2; ++i) fixed.frequency.push_back(rope.at(i, n));
    return fixed;
  }
  void turn_q_and_k(Scope& s, in all, const Rope& r, ops::Turn turn) {  // side by side: one call turns both
    if (!r.frequency.empty()) ops::rope(s, Operand(columns(all, 0, qkv.begin[2])), all.segments, r, turn);
  }
  ops::AttentionShape<P::device> sizes(const in& x) const {
    return {heads, kv_heads, head_dim, x.segments, x.segments};
  }
};

}  // namespace vlt
