#pragma once
#include <vlt/nn/layer.hpp>

namespace vlt {

// Layers in a straight line, named 0, 1, 2 as in the checkpoints. For projectors; a block is a struct with written
// passes.
template <class A, class B> struct Sequential {
  static_assert(check_layer<A>::ok && check_layer<B>::ok && seam<A, B>::ok);
  using in = typename A::in;
  using out = typename B::out;
  using middle = typename A::out;
  struct saved {
    typename A::saved first;
    typename B::saved second;
    Shape middle;
  };

  A first;
  B second;
  static constexpr auto fields() { return members(member<"0">(&Sequential::first), member<"1">(&Sequential::second)); }
  Shape out_shape(Shape i) const { return second.out_shape(first.out_shape(i)); }
  bool keeps_input() const { return vlt::keeps_input(first); }

  void forward(Scope& s, in x, out y, saved& k) {
    Frame frame(s);
    k.middle = first.out_shape(x.shape());
    auto m = s.keep_if<middle>(vlt::keeps_input(second), k.middle, x.segments);
    first.forward(s, x, m, k.first);
    second.forward(s, m, y, k.second);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    if constexpr (wanted<Dx> || may_train_v<A>) {
      Frame frame(s);
      auto dm = s.temp<middle>(k.middle, dy.segments);
      second.backward(s, dy, overwrite(dm), k.second);
      first.backward(s, dm, dx, k.first);
    } else {
      second.backward(s, dy, Discard{}, k.second);  // nothing in front trains: its backward is not generated
    }
  }
};

}  // namespace vlt
