#pragma once
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>
#include <vlt/base/shown_bytes.hpp>
#include <vlt/dist/lender.hpp>

namespace vlt {

// What one of several ranks computes with, and how it is connected.
struct RankMachine {
  double flops = 0;  // arithmetic of a second
  double link = 0;   // bytes of a second that arrive from other ranks, while as many leave for them
};

// What an optimiser step does on one rank, in its order: arithmetic, and bytes that arrive from other ranks. Made by
// planning a step with these hooks, which hand on to those that move the bytes and read what these ask for.
class StepTimeline final : public UnitHooks {
 public:
  // Messages follow so much arithmetic since those before them.
  struct Moment {
    double flops = 0, gathered = 0, reduced = 0;
    bool update = false;  // of what follows the last micro-batch
    double bytes() const { return gathered + reduced; }
  };

  // stage: of ZeRO, which decides what a sum of gradients moves.
  StepTimeline(int ranks, int stage)
      : ranks_(ranks), others_(double(ranks - 1) / double(ranks)), sums_(stage == 0 ? 2 * others_ : others_) {}

  // Plans micro-batches: pass(Scope&), `times` of it one after another. lender: whose hooks are meant.
  template <class Pass> void add(Threads& threads, dist::Lender& lender, Index times, Pass&& pass) {
    const std::size_t first = moments_.size();
    plan(threads, lender, pass);
    const std::vector<Moment> once(moments_.begin() + std::ptrdiff_t(first), moments_.end());
    for (Index i = 1; i < times; ++i) moments_.insert(moments_.end(), once.begin(), once.end());
  }
  // Plans what follows them: the update.
  template <class Pass> void add_update(Threads& threads, dist::Lender& lender, Pass&& pass) {
    plan(threads, lender, pass);
    moments_.back().update = true;
  }

  int ranks() const { return ranks_; }
  const std::vector<Moment>& moments() const { return moments_; }
  double flops() const {
    return sum([](const Moment& m) { return m.flops; });
  }
  double bytes() const {
    return sum([](const Moment& m) { return m.bytes(); });
  }
  // The time of a step in which everything waits for everything before it, as it is carried out.
  double seconds(const RankMachine& machine) const { return flops() / machine.flops + over(bytes(), machine.link); }
  // The same if the messages of micro-batches took their way while the rank computes: weights are gathered one unit
  // ahead, and sums of gradients are waited for before the update, whose own messages are not hidden.
  double seconds_overlapped(const RankMachine& machine) const {
    double computed = 0, link = 0, arrival = 0;
    const auto gather_next = [&](std::size_t from) {
      while (from < moments_.size() && moments_[from].gathered == 0) ++from;
      if (from == moments_.size() || moments_[from].update) return;
      arrival = link = std::max(link, computed) + over(moments_[from].gathered, machine.link);
    };
    gather_next(0);
    for (std::size_t i = 0; i < moments_.size(); ++i) {
      const Moment& m = moments_[i];
      if (m.update) computed = std::max(computed, link) + over(m.bytes(), machine.link);
      computed += m.flops / machine.flops;
      if (m.update) continue;
      if (m.gathered > 0) computed = std::max(computed, arrival), gather_next(i + 1);
      if (m.reduced > 0) link = std::max(link, computed) + over(m.reduced, machine.link);
    }
    return std::max(computed, link);
  }

  void acquire(Scope& s, int unit, Pass pass) override { lender_->acquire(s, unit, pass), note(s); }
  void release(Scope& s, int unit) override { lender_->release(s, unit), note(s); }
  void grad_ready(Scope& s, int unit) override { lender_->grad_ready(s, unit), note(s); }

 private:
  // All that was asked for since the pass began.
  struct Messages {
    double gathered = 0, reduced = 0;
  };

  int ranks_;
  double others_, sums_;
  dist::Lender* lender_ = nullptr;
  CostTable table_;
  double done_ = 0;
  Messages seen_;
  std::vector<Moment> moments_;

  template <class Pass> void plan(Threads& threads, dist::Lender& lender, Pass&& pass) {
    lender_ = &lender, done_ = 0, seen_ = {}, table_ = {};
    Arena arena;
    Scope s(arena, threads, this, &table_);
    lender.begin(s, true);
    pass(s);
    note(s);
  }
  static double over(double bytes, double link) { return bytes > 0 ? bytes / link : 0; }
  template <class F> double sum(F&& of) const {
    double all = 0;
    for (const Moment& m : moments_) all += of(m);
    return all;
  }
  double asked(const char* operation) const {
    const auto at = table_.line.find(operation);
    return at == table_.line.end() ? 0 : at->second.cost.bytes;
  }
  void note(Scope& s) {
    const Messages now{others_ * asked("gather_weights"), sums_ * asked("reduce_gradients")};
    moments_.push_back({s.total().flops - done_, now.gathered - seen_.gathered, now.reduced - seen_.reduced});
    done_ = s.total().flops, seen_ = now;
  }
};

// For people: the steps of several numbers of ranks, so many (of as many stages) for each.
inline std::string steps_table(const std::vector<StepTimeline>& steps, int stages, const RankMachine& machine) {
  char field[160];
  std::snprintf(field, sizeof field, "a step, simulated: %.4g TFLOP/s and %.4g Gbit/s for each rank, no latency\n",
                machine.flops * 1e-12, machine.link * 8e-9);
  std::string text = field;
  text += "ranks  stage      computes      receives          step   if overlapped\n";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const StepTimeline& t = steps[i];
    std::snprintf(field, sizeof field, "%-6d %-5d %11.4g s %13s %11.4g s %13.4g s\n", t.ranks(), int(i) % stages,
                  t.flops() / machine.flops, shown_bytes(t.bytes()).c_str(), t.seconds(machine),
                  t.seconds_overlapped(machine));
    text += field;
  }
  return text;
}

}  // namespace vlt
