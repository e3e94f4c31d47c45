#pragma once
#include <vlt/nn/layer.hpp>
#include <vlt/nn/registry.hpp>

namespace vlt {

// Parameters that are gathered, reduced and stored together: a block, an embedding, a head, a projector.
// The only place that calls the Scope's unit hooks.
template <class L> struct Unit {
  using element = L;
  L layer;
  int id = -1;
  static constexpr auto fields() { return members(member<"">(&Unit::layer)); }

  // Reads the parameters.
  template <class F> void use(Scope& s, F&& f) {
    Held held(s, id, Pass::forward);
    f(layer);
  }
  // Adds to the gradient; more is to come (a tied embedding is used twice).
  template <class F> void contribute(Scope& s, F&& f) {
    Held held(s, id, Pass::backward);
    f(layer);
  }
  // Adds to the gradient for the last time in this backward pass.
  template <class F> void finish(Scope& s, F&& f) {
    Held held(s, id, Pass::backward);
    f(layer);
    s.grad_ready(id);
  }

  template <class R> void collect(R& registry, const std::string& path) {
    require(registry.unit == -1, "a unit contains another unit: " + path);
    registry.begin_unit(id);
    vlt::collect(layer, registry, path);
    registry.unit = -1;
  }
  bool trains() const { return vlt::trains(layer); }

 private:
  struct Held {
    Scope& s;
    int unit;
    Held(Scope& scope, int u, Pass pass) : s(scope), unit(u) { s.acquire(unit, pass); }
    ~Held() { s.release(unit); }
    Held(const Held&) = delete;
  };
};

}  // namespace vlt
