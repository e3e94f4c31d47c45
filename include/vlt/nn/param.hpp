#pragma once
#include <vlt/tensor/weight.hpp>

namespace vlt {

struct Nothing {};

// How a parameter begins where no checkpoint gives it.
struct Init {
  enum Kind : std::uint8_t {
    given,    // only a checkpoint can say
    zero,     // 0
    one,      // 1
    uniform,  // U(-scale, scale)
    normal,   // N(0, scale^2)
  };
  Kind kind = given;
  double scale = 0;
  bool operator==(const Init&) const = default;
};

// What a parameter is, as the layer that owns it says. Everybody else asks this and never a tensor's name: what trains,
// what decays, what grows with the vocabulary, which shape a checkpoint gives it.
enum class Role : std::uint8_t {
  matrix,           // of a linear layer
  patch_embedding,  // the same, held as a convolution in checkpoints: (width, 3, patch, patch)
  embedding,        // a row for each token, looked up by its id
  head,             // a row for each token, which scores it
  table,            // other rows that are used as they are: positions, queries
  adapter,          // a low-rank factor beside a matrix
  norm,             // from here on one-dimensional: (width), not (1, width)
  bias,
  vector,  // other ones: a class token, a gain
};
constexpr bool one_dimensional(Role r) { return r >= Role::norm; }
constexpr bool grows_with_vocabulary(Role r) { return r == Role::embedding || r == Role::head; }

// Whether a parameter shall train, if its type allows that. `made` counts the choices: a registry that was collected
// before the last one is recognised by it.
struct Choice {
  bool selected = false;
  std::uint32_t made = 0;

  void make(bool on) { selected = on, ++made; }
};

// A view of one parameter; its memory belongs to a ParameterStore. No rows: the layer does not have it (no bias, no
// adapter). Only a type that may train has a gradient; whether it does train is decided at run time, before planning.
template <class T, class G, Device D, bool MayTrain> struct Param {
  static constexpr bool may_train = MayTrain;

  Weight<T, D> value;
  [[no_unique_address]] std::conditional_t<MayTrain, Matrix<G, D>, Nothing> grad;
  Choice choice;
  Role role = Role::matrix;
  bool packable = false;  // only products read it
  Init init;

  Param() = default;
  Param(Shape s, Role r, Init begin = {}) { reshape(s, r, begin); }

  void reshape(Shape s, Role r, Init begin = {}) {
    value.rows = s.rows, value.cols = value.stride = s.cols;
    if constexpr (MayTrain) grad.rows = s.rows, grad.cols = grad.stride = s.cols;
    role = r, init = begin;
    choose(true);
  }
  bool exists() const { return value.rows > 0; }
  bool trains() const { return MayTrain && choice.selected && exists(); }
  void choose(bool on) { choice.make(on); }
  const Weight<T, D>& full() const { return value; }  // what a layer computes with
};

template <IsPolicy P>
using param_t = Param<typename P::operand, typename P::grad, P::device, P::tuning == Tuning::trainable>;

// A parameter of a few numbers, a norm's weight or a bias, which is computed in the type of sums where operands are
// narrower: what a layer reads is then the master itself, and `value` is but its shape.
template <IsPolicy P> struct ExactParam : param_t<P> {
  Address<typename P::accum, P::device> exact = {};

  using param_t<P>::param_t;
  Matrix<typename P::accum, P::device> full() const {
    return {exact, this->value.rows, this->value.cols, this->value.stride};
  }
};
template <IsPolicy P>
using exact_param_t =
    std::conditional_t<std::is_same_v<typename P::operand, typename P::accum>, param_t<P>, ExactParam<P>>;

template <class> inline constexpr bool is_param = false;
template <class T, class G, Device D, bool M> inline constexpr bool is_param<Param<T, G, D, M>> = true;
template <IsPolicy P> inline constexpr bool is_param<ExactParam<P>> = true;

}  // namespace vlt
