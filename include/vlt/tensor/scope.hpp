#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vlt/base/parallel.hpp>
#include <vlt/tensor/arena.hpp>
#include <vlt/tensor/tokens.hpp>

namespace vlt {

// What an operation costs, from its shapes alone: arithmetic, and bytes that cross the memory bus.
struct Cost {
  double flops = 0, bytes = 0;
  Cost& operator+=(Cost o) {
    flops += o.flops, bytes += o.bytes;
    return *this;
  }
  bool operator==(const Cost&) const = default;
};

// One line per operation name: how often it ran and what it cost.
struct CostTable {
  struct Line {
    long calls = 0;
    Cost cost;
  };
  std::map<std::string, Line, std::less<>> line;
  void add(std::string_view name, Cost cost) {
    auto at = line.find(name);
    if (at == line.end()) at = line.emplace(std::string(name), Line{}).first;
    ++at->second.calls;
    at->second.cost += cost;
  }
};

enum class Pass : bool { forward, backward };

class Scope;

// What the owner of the parameters is told: gather before use (in backward: with a gradient to add to), let go
// afterwards, reduce when the gradient is complete. While planning too: then they count what they will do.
struct UnitHooks {
  virtual ~UnitHooks() = default;
  virtual void acquire(Scope& s, int unit, Pass pass) = 0;
  virtual void release(Scope& s, int unit) = 0;
  virtual void grad_ready(Scope& s, int unit) = 0;
};

// The only thing a layer may allocate from or launch on.
class Scope {
 public:
  explicit Scope(Arena& arena, Threads& threads, UnitHooks* hooks = nullptr, CostTable* table = nullptr)
      : arena_(arena), threads_(threads), hooks_(hooks), table_(table) {}

  // The one place where an operation is counted, and executed unless this is a plan.
  template <class F> void run(std::string_view name, Cost cost, F&& execute) {
    total_ += cost;
    if (table_) table_->add(name, cost);
    if (!arena_.planning()) execute();
  }
  Cost total() const { return total_; }

  void acquire(int unit, Pass pass) {
    if (hooks_) hooks_->acquire(*this, unit, pass);
  }
  void release(int unit) {
    if (hooks_) hooks_->release(*this, unit);
  }
  void grad_ready(int unit) {
    if (hooks_) hooks_->grad_ready(*this, unit);
  }

  template <class M> M keep(Shape shape, SegmentsOf<M> batch = {}) {
    return view<M>(arena_.keep<typename M::value_type, M::device>(shape.size()), shape, batch);
  }
  template <class M> M temp(Shape shape, SegmentsOf<M> batch = {}) {
    return view<M>(arena_.temp<typename M::value_type, M::device>(shape.size()), shape, batch);
  }
  // Kept only if backward will read it; else it lives until the caller's Frame closes.
  template <class M> M keep_if(bool needed, Shape shape, SegmentsOf<M> batch = {}) {
    return needed ? keep<M>(shape, batch) : temp<M>(shape, batch);
  }
  Arena& arena() { return arena_; }
  Threads& threads() { return threads_; }

 private:
  template <class M> static M view(decltype(M::data) data, Shape shape, SegmentsOf<M> batch) {
    M m;
    m.data = data, m.rows = shape.rows, m.cols = m.stride = shape.cols;
    if constexpr (requires { m.segments; }) m.segments = batch;
    return m;
  }
  Arena& arena_;
  Threads& threads_;
  UnitHooks* hooks_;
  CostTable* table_;
  Cost total_;
};

// Temporaries of one call: released when the block ends.
class Frame {
 public:
  explicit Frame(Scope& s) : arena_(s.arena()), mark_(arena_.mark()) {}
  ~Frame() { arena_.release_temp(mark_); }
  Frame(const Frame&) = delete;

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

}  // namespace vlt
