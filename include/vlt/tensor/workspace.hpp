#pragma once
#include <vlt/tensor/scope.hpp>

namespace vlt {

// The arena that pass(Scope&) needs, from running it without executing anything: the code that plans is the code that
// runs.
template <class Pass> std::size_t planned_bytes(Threads& threads, Pass&& pass, UnitHooks* hooks = nullptr) {
  Arena arena;
  Scope s(arena, threads, hooks);
  pass(s);
  return arena.peak();
}

// Memory for one pass at a time, and the place where passes are carried out: each is planned first, and finds the
// memory it needs.
template <Device D> class Workspace {
 public:
  // Grows with what it carries out. lender: whose memory serves while it is large enough; it must be idle meanwhile.
  explicit Workspace(Threads& threads, const Workspace* lender = nullptr)
      : threads_(threads), lender_(lender), grows_(true) {}
  // Has `bytes`, and refuses whatever needs more before it begins.
  Workspace(Threads& threads, std::size_t bytes) : threads_(threads), memory_(Index(bytes)) {}

  // Runs pass(Scope&) twice: as a plan, and in the memory which that asks for.
  template <class Pass> Cost run(Pass&& pass) {
    const std::size_t bytes = planned_bytes(threads_, pass);
    if (lender_ && bytes <= lender_->bytes()) return carry_out(lender_->memory_, pass, nullptr);
    make_room(bytes);
    return carry_out(pass);
  }
  // The same where units are lent memory (dist::Lender): hooks that begin() each pass and say after its plan what is
  // lent().
  template <class Pass, class Lender> Cost run(Pass&& pass, Lender& hooks) {
    const auto whole = [&](Scope& s) {
      hooks.begin(s, true);
      pass(s);
    };
    const std::size_t arena = planned_bytes(threads_, whole, &hooks), bytes = arena + hooks.lent().total();
    if (lender_ && bytes <= lender_->bytes()) return carry_out(lender_->memory_, whole, &hooks);
    make_room(bytes);
    return carry_out(whole, &hooks);
  }

  // The two halves of run(), for whoever plans himself.
  void make_room(std::size_t bytes) {
    if (bytes <= memory_.bytes()) return;
    if (!grows_) refuse(bytes);
    memory_ = {};
    memory_ = Buffer<std::byte, D>(Index(bytes));
  }
  template <class Pass> Cost carry_out(Pass&& pass, UnitHooks* hooks = nullptr) {
    return carry_out(memory_, pass, hooks);
  }

  std::size_t bytes() const { return memory_.bytes(); }
  std::size_t peak() const { return peak_; }  // most of it, or of what was lent, that was ever in use

 private:
  Threads& threads_;
  const Workspace* lender_ = nullptr;
  bool grows_ = false;
  Buffer<std::byte, D> memory_;
  std::size_t peak_ = 0;

  template <class Pass> Cost carry_out(const Buffer<std::byte, D>& memory, Pass&& pass, UnitHooks* hooks) {
    Arena arena(memory);
    Scope s(arena, threads_, hooks);
    pass(s);
    peak_ = std::max(peak_, arena.peak());
    return s.total();
  }
  [[noreturn]] void refuse(std::size_t needed) const {
    throw Error(ExitCode::memory, Complaint("MEM-ARENA-001", "a micro-batch needs more memory than was planned")
                                      .expected("at most " + std::to_string(memory_.bytes()) + " bytes")
                                      .found(std::to_string(needed) + " bytes")
                                      .help("plan with a batch at least as large as any that follows"));
  }
};

// Carries out one pass in memory that is there for it alone.
template <Device D, class Pass> void run_in_own_memory(Threads& threads, Pass&& pass) {
  Workspace<D>(threads).run(pass);
}

}  // namespace vlt
