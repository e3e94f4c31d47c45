#pragma once
#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <vlt/base/dtype.hpp>
#include <vlt/optim/flat.hpp>
#include <vlt/tensor/scope.hpp>

namespace vlt {

// The type of what an optimiser remembers: the master's, or 16 bits.
enum class StateType : std::uint8_t { master, bf16 };

// A number that an optimiser remembers about every element of a parameter that trains; it begins as 0.
struct StateSlot {
  std::string name;  // as checkpoints call it: "exp_avg"
  StateType type = StateType::master;
  bool operator==(const StateSlot&) const = default;
};

// One slot of a unit's state.
template <Precision F, Device D> using StateFlat = std::variant<Flat<typename roles_of<F>::master, D>, Flat<bf16, D>>;

// Some elements of one parameter, side by side, as an optimiser updates them: all matrices are (1, elements).
template <Precision F, Device D> struct ParameterUpdate {
  using grad_t = typename roles_of<F>::grad;
  using master_t = typename roles_of<F>::master;
  using operand = typename roles_of<F>::operand;

  Matrix<grad_t, D> gradient;
  Matrix<master_t, D> master;
  Matrix<operand, D> compute;              // the master, rounded. No rows: the weight is packed afterwards
  std::span<const StateFlat<F, D>> state;  // of the unit; none while planning
  Range range;                             // the elements' place in the unit
  double rate = 0;                         // the learning rate of this step
  bool decays = true;                      // weight decay applies to this parameter
  double clip = 1;                         // what the gradient is multiplied by first
  Index number = 1;                        // of this update, from 1

  // What slot `i` holds of these elements. T is bf16 where the slot's type is.
  template <class T = master_t> Matrix<T, D> slot(std::size_t i) const {
    return state.empty() ? planned_row<T, D>(range) : std::get<Flat<T, D>>(state[i]).row(range);
  }
};

// How parameters follow their gradients. Elements are updated in parts and on several ranks, so that what becomes of
// one may depend on its own numbers only. Work happens in Scope::run, as in any operation.
template <class O, Precision F, Device D>
concept Optimizer = requires(const O& o, Scope& s, const ParameterUpdate<F, D>& p) {
  { o.slots() } -> std::same_as<std::vector<StateSlot>>;
  { o.update(s, p) } -> std::same_as<void>;
};

// Some optimiser: one virtual call per parameter and step. Copies share it.
template <Precision F, Device D> class AnyOptimizer {
 public:
  template <class O>
  requires(!std::same_as<O, AnyOptimizer>) AnyOptimizer(O optimizer) {
    constexpr bool is_one = Optimizer<O, F, D>;
    static_assert(is_one,
                  "vlt: an optimiser has 'std::vector<StateSlot> slots() const' and 'template <Precision F, Device D> "
                  "void update(Scope&, const ParameterUpdate<F, D>&) const'");
    if constexpr (is_one) held_ = std::make_shared<const Holder<O>>(std::move(optimizer));
  }
  std::vector<StateSlot> slots() const { return held_->slots(); }
  void update(Scope& s, const ParameterUpdate<F, D>& p) const { held_->update(s, p); }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual std::vector<StateSlot> slots() const = 0;
    virtual void update(Scope& s, const ParameterUpdate<F, D>& p) const = 0;
  };
  template <class O> struct Holder final : Held {
    O optimizer;
    explicit Holder(O o) : optimizer(std::move(o)) {}
    std::vector<StateSlot> slots() const override { return optimizer.slots(); }
    void update(Scope& s, const ParameterUpdate<F, D>& p) const override { optimizer.update(s, p); }
  };
  std::shared_ptr<const Held> held_;
};

}  // namespace vlt
