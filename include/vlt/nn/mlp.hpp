#pragma once
#include <vlt/nn/block_sizes.hpp>
#include <vlt/nn/linear_group.hpp>
#include <vlt/ops/activation.hpp>

namespace vlt {

// y = down(silu(gate(x)) * up(x)), gate and up in one GEMM.
template <IsPolicy P, class Space = space::text> struct SwiGlu {
  using in = operand_t<P, Space>;
  using out = stream_t<P, Space>;
  using Group = LinearGroup<P, Space, "gate_proj", "up_proj">;
  using Down = Linear<P, in, out>;
  struct saved {
    typename Group::saved group;
    typename Down::saved down;
    in gate_up;  // (rows, 2 mlp): gate(x) beside up(x)
    in product;  // (rows, mlp): silu(gate) * up, what down reads
  };

  Group gate_up;
  Down down_proj;
  static constexpr auto fields() {
    return members(member<"">(&SwiGlu::gate_up), member<"down_proj">(&SwiGlu::down_proj));
  }

  SwiGlu() = default;
  explicit SwiGlu(const BlockSizes& c)
      : gate_up({c.mlp, c.mlp}, c.width, c.mlp_bias), down_proj(c.width, c.mlp, c.mlp_bias) {}
  Shape out_shape(Shape i) const { return down_proj.out_shape(i); }
  bool keeps_input() const { return gate_up.keeps_input(); }

  void forward(Scope& s, in x, out y, saved& k, out residual = {}) {
    Frame frame(s);
    const Shape inner{x.rows, gate_up.begin[1]};
    k.gate_up = s.keep<in>(gate_up.out_shape(x.shape()), x.segments);
    k.product = s.keep_if<in>(down_proj.keeps_input(), inner, x.segments);
    gate_up.forward(s, x, k.gate_up, k.group);
    ops::swiglu(s, gate_up.part(k.gate_up, 0), gate_up.part(k.gate_up, 1), k.product);
    down_proj.forward(s, k.product, y, k.down, residual);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    auto d_product = s.temp<in>({dy.rows, gate_up.begin[1]}, dy.segments),
         d_gate_up = s.temp<in>(k.gate_up.shape(), dy.segments);
    down_proj.backward(s, dy, overwrite(d_product), k.down);
    ops::swiglu_backward(s, d_product, gate_up.part(k.gate_up, 0), gate_up.part(k.gate_up, 1),
                         gate_up.part(d_gate_up, 0), gate_up.part(d_gate_up, 1));
    gate_up.backward(s, d_gate_up, dx, k.group);
  }
};

// y = fc2(activation(fc1(x))).
template <IsPolicy P, class Space = space::vision> struct Mlp {
  using in = operand_t<P, Space>;
  using out = stream_t<P, Space>;
  using First = Linear<P, in, in>;
  using Second = Linear<P, in, out>;
  struct saved {
    typename First::saved first;
    typename Second::saved second;
    in inner, active;  // (rows, mlp): fc1(x), and what the activation makes of it
  };

  First fc1;
  Second fc2;
  Activation f = Activation::quick_gelu;
  static constexpr auto fields() { return members(member<"fc1">(&Mlp::fc1), member<"fc2">(&Mlp::fc2)); }

  Mlp() = default;
  explicit Mlp(const BlockSizes& c)
      : fc1(c.mlp, c.width, c.mlp_bias), fc2(c.width, c.mlp, c.mlp_bias), f(c.activation) {}
  Shape out_shape(Shape i) const { return fc2.out_shape(i); }
  bool keeps_input() const { return fc1.keeps_input(); }

  void forward(Scope& s, in x, out y, saved& k, out residual = {}) {
    Frame frame(s);
    k.inner = s.keep<in>(fc1.out_shape(x.shape()), x.segments);
    k.active = s.keep_if<in>(fc2.keeps_input(), k.inner.shape(), x.segments);
    fc1.forward(s, x, k.inner, k.first);
    ops::activation(s, f, k.inner, k.active);
    fc2.forward(s, k.active, y, k.second, residual);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    auto d = s.temp<in>(k.inner.shape(), dy.segments);
    fc2.backward(s, dy, overwrite(d), k.second);
    ops::activation_backward(s, f, d, k.inner, d, 0);  // elementwise: in place
    fc1.backward(s, d, dx, k.first);
  }
};

}  // namespace vlt
