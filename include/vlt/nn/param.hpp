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

// A view of one parameter; its memory belongs to a ParameterStore. No rows: the layer does not have it (no bias, no
// adapter). Only a type that may train has a gradient; whether it does train is decided at run time, before planning.
template <class T, class G, Device D, bool MayTrain> struct Param {
  static constexpr bool may_train = MayTrain;

  Weight<T, D> value;
  [[no_unique_address]] std::conditional_t<MayTrain, Matrix<G, D>, Nothing> grad;
  [[no_unique_address]] std::conditional_t<MayTrain, bool, Nothing> chosen{};
  bool multiplied = false;  // only products read it: it may be packed
  bool adapter = false;     // belongs to an adapter, not to the base model
  Init init;

  Param() = default;
  explicit Param(Shape s, Init begin = {}) { reshape(s, begin); }

  void reshape(Shape s, Init begin = {}) {
    value.rows = s.rows, value.cols = value.stride = s.cols;
    if constexpr (MayTrain) grad.rows = s.rows, grad.cols = grad.stride = s.cols, chosen = true;
    init = begin;
  }
  bool exists() const { return value.rows > 0; }
  bool trains() const {
    if constexpr (MayTrain) return chosen && exists();
    else return false;
  }
  // Says whether it shall train, if its type allows that.
  void choose([[maybe_unused]] bool on) {
    if constexpr (MayTrain) chosen = on;
  }
};

template <IsPolicy P>
using param_t = Param<typename P::operand, typename P::grad, P::device, P::tuning == Tuning::trainable>;

template <class> inline constexpr bool is_param = false;
template <class T, class G, Device D, bool M> inline constexpr bool is_param<Param<T, G, D, M>> = true;

}  // namespace vlt
