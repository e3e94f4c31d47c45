#pragma once
#include <vlt/dist/first_fit.hpp>
#include <vlt/tensor/scope.hpp>

namespace vlt::dist {

// One call of a hook.
struct UnitVisit {
  enum Event : std::uint8_t { forward, backward, release, gradient_ready };
  int unit;
  Event event;
  bool operator==(const UnitVisit&) const = default;
};

// Memory that is lent to units at the same time, at most.
struct LentBytes {
  std::size_t weights = 0, gradients = 0;
  std::size_t total() const { return weights + gradients; }
  bool operator==(const LentBytes&) const = default;
};

// Hooks that lend memory to units for as long as these are in use. Which memory follows from the order in which a model
// visits its units: a pass is planned first, then it runs in what the plan found.
class Lender : public UnitHooks {
 public:
  // Comes before every pass over the model, planned or not, in its scope. `last`: no other pass of this optimiser step
  // follows. A pass that runs takes from the arena what its plan, just before, has found.
  virtual void begin(Scope& s, bool last) = 0;
  // What the last planned pass is lent.
  virtual LentBytes lent() const = 0;
  // The visits of the last planned pass, in their order.
  const std::vector<UnitVisit>& order() const { return planned_.visits; }

 protected:
  // What one unit has at the moment.
  struct Loan {
    int users = 0;             // of its weights: a unit can be held twice
    Range weights, gradients;  // places in the lent memory; empty: none
  };
  // All loans of a pass.
  struct Book {
    FirstFit weights, gradients;
    std::vector<Loan> loan;  // by unit
    std::vector<UnitVisit> visits;

    explicit Book(std::size_t units) : weights(units), gradients(units), loan(units) { visits.reserve(8 * units); }
    void clear() {
      weights.clear(), gradients.clear(), visits.clear();
      std::fill(loan.begin(), loan.end(), Loan{});
    }
  };

  explicit Lender(std::size_t units) : planned_(units), running_(units) {}
  Book& book(Scope& s) { return s.arena().planning() ? planned_ : running_; }

  Book planned_, running_;
};

}  // namespace vlt::dist
