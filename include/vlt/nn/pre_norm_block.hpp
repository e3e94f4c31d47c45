#pragma once
#include <vlt/nn/mlp.hpp>
#include <vlt/nn/norm.hpp>
#include <vlt/nn/self_attention.hpp>

namespace vlt {

// What the checkpoint calls the members of a block.
struct LlamaNames {
  static constexpr fixed_string norm1 = "input_layernorm";
  static constexpr fixed_string attention = "self_attn";
  static constexpr fixed_string norm2 = "post_attention_layernorm";
  static constexpr fixed_string mlp = "mlp";
};
struct ClipNames {
  static constexpr fixed_string norm1 = "layer_norm1";
  static constexpr fixed_string attention = "self_attn";
  static constexpr fixed_string norm2 = "layer_norm2";
  static constexpr fixed_string mlp = "mlp";
};

// h = x + attention(norm1(x));  y = h + mlp(norm2(h)).
template <class Names, class Norm, class Attention, class MlpLayer> struct PreNormBlock {
  using in = typename Norm::in;  // residual stream
  using out = in;
  using normed = typename Norm::out;  // operand
  struct saved {  // of its own it keeps, all (rows, width): h, and what norms give to branches that read it in backward
    typename Norm::saved norm1, norm2;
    typename Attention::saved attention;
    typename MlpLayer::saved mlp;
  };
  static_assert(check_layer<Norm>::ok && check_layer<Attention>::ok && check_layer<MlpLayer>::ok);
  static_assert(seam<Norm, Attention>::ok && seam<Norm, MlpLayer>::ok);
  static_assert(check_branch<Attention, in>::ok && check_branch<MlpLayer, in>::ok);

  Norm norm1;
  Attention attention;
  Norm norm2;
  MlpLayer mlp;
  static constexpr auto fields() {
    return members(member<Names::norm1>(&PreNormBlock::norm1), member<Names::attention>(&PreNormBlock::attention),
                   member<Names::norm2>(&PreNormBlock::norm2), member<Names::mlp>(&PreNormBlock::mlp));
  }

  PreNormBlock() = default;
  explicit PreNormBlock(const BlockSizes& c)
      : norm1(c.width, c.norm_eps),
        attention(made_from<Attention>(c)),
        norm2(c.width, c.norm_eps),
        mlp(made_from<MlpLayer>(c)) {}
  Shape out_shape(Shape i) const { return i; }
  Index kv_width() const requires requires(const Attention& a) { a.kv_width(); }
  { return attention.kv_width(); }

  void forward(Scope& s, in x, out y, saved& k) {
    Frame frame(s);
    auto a = s.keep_if<normed>(keeps_input(attention), x.shape(), x.segments);
    auto h = s.keep<in>(x.shape(), x.segments);
    auto b = s.keep_if<normed>(keeps_input(mlp), x.shape(), x.segments);
    norm1.forward(s, x, a, k.norm1);
    forward_added(s, attention, a, x, h, k.attention);
    norm2.forward(s, h, b, k.norm2);
    forward_added(s, mlp, b, h, y, k.mlp);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    auto dh = s.temp<in>(dy.shape(), dy.segments);
    auto t = s.temp<normed>(dy.shape(), dy.segments);
    ops::convert(s, dy, dh);
    mlp.backward(s, dy, overwrite(t), k.mlp);
    norm2.backward(s, t, accumulate(dh), k.norm2);
    if constexpr (wanted<Dx> || may_train_v<Norm>) {
      attention.backward(s, dh, overwrite(t), k.attention);
      norm1.backward(s, t, dx, k.norm1);
      if constexpr (wanted<Dx>) ops::add(s, dh, dx.m);
    } else {
      attention.backward(s, dh, Discard{}, k.attention);
    }
  }

  // The next rows of one sequence, whose earlier keys and values are in the cache.
  template <class Cache> void extend(Scope& s, in x, out y, Cache cache) requires Decodable<Attention, Cache> {
    Frame frame(s);
    auto a = s.temp<normed>(x.shape(), x.segments);
    auto h = s.temp<in>(x.shape(), x.segments);
    infer(s, norm1, x, a);
    attention.extend(s, a, h, cache);
    ops::add(s, x, h);
    infer(s, norm2, h, a);
    infer_added(s, mlp, a, h, y);
  }
};

// Structs, not aliases: their short names are what error messages and profiles print.
template <IsPolicy P, class Mask, class Attention = SelfAttention<P, Mask>>
struct LlamaBlock : PreNormBlock<LlamaNames, RmsNorm<P>, Attention, SwiGlu<P>> {
  using LlamaBlock::PreNormBlock::PreNormBlock;
};

template <IsPolicy P, class Space = space::vision>
struct ClipBlock : PreNormBlock<ClipNames, LayerNorm<P, stream_t<P, Space>>,
                                SelfAttention<P, mask::Bidirectional, Space>, Mlp<P, Space>> {
  using ClipBlock::PreNormBlock::PreNormBlock;
};

}  // namespace vlt
