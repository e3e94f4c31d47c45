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
  };

  // stage: of ZeRO, which decides what a sum of gradients moves.
  StepTimeline(int ranks, int stage)
      : ranks_(ranks), others_(double(ranks - 1) / double(ranks)), sums_(stage == 0 ? 2 * others_ : others_) {}

  // Plans a part of the step: pass(Scope&), `times` of it one after another. lender: whose hooks are meant.
  template <class Pass> void add(Threads& threads, dist::Lender& lender, Index times, Pass&& pass) {
    lender_ = &lender, done_ = 0, seen_ = {};
    const std::size_t first = moments_.size();
    Arena arena;
    Scope s(arena, threads, this, &table_);
    table_ = {};
    lender.begin(s, true);
    pass(s);
    note(s);
    const std::vector<Moment> once(moments_.begin() + std::ptrdiff_t(first), moments_.end());
    for (Index i = 1; i < times; ++i) moments_.insert(moments_.end(), once.begin(), once.end());
  }

  int ranks() const { return ranks_; }
  const std::vector<Moment>& moments() const { return moments_; }
  double flops() const {
    return sum([](const Moment& m) { return m.flops; });
  }
  double bytes() const {
    return sum([](const Moment& m) { return m.gathered + m.reduced; });
  }
  // The time of a step in which everything waits for everything before it, as it is carried out.
  double seconds(const RankMachine& machine) const { return flops() / machine.flops + over(bytes(), machine.link); }
  // The same if messages took their way while the rank computes: weights are gathered one unit ahead, sums of gradients
  // are waited for at the end of each pass only.
  double seconds_overlapped(const RankMachine& machine) const {
    double computed = 0, sent = 0, may_begin = 0;
    for (const Moment& m : moments_) {
      computed += m.flops / machine.flops;
      if (m.gathered > 0) {
        sent = std::max(sent, may_begin) + over(m.gathered, machine.link);
        computed = std::max(computed, sent), may_begin = computed;
      }
      if (m.reduced > 0) sent = std::max(sent, computed) + over(m.reduced, machine.link);
    }
    return std::max(computed, sent);
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
