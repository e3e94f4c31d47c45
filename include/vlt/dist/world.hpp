#pragma once
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vlt/base/error.hpp>
#include <vlt/base/policy.hpp>
#include <vlt/dist/standing.hpp>

namespace vlt::dist {

// What can be added up over ranks.
template <class T> concept Summable = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, Index>;

// The ranks that carry out one run together, seen from one of them. All calls but rank(), size() and abort() are
// collective: every rank makes the same ones in the same order, with equal sizes. Sums are formed in rank order, so
// that they do not depend on timing. Buffers lie in host memory: see world_t.
class World {
 public:
  World() = default;
  World(const World&) = delete;  // ranks know each other's
  virtual ~World() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual void barrier() = 0;
  // This rank gives up, for a reason that is the exit code of the job where a launcher reports one: collective calls of
  // the others fail (PEER-FAIL-001) or their processes are ended, instead of waiting for it; its own fail from now on.
  virtual void abort(ExitCode reason = ExitCode::peer) noexcept = 0;
  // A collective call that waits longer for other ranks fails (PEER-HANG-001, exit 11) and says what they do. Ranks
  // that cannot hang alone have no need of it.
  virtual void wait_at_most(double /*seconds*/) {}

  // Bytes that have come from other ranks so far, where they come in messages.
  std::uint64_t received() const { return received_; }

  // What this rank does from now on: ranks that wait for it in vain will tell.
  void enters(Index step) { standing_->begin(step); }
  void does(RankPhase phase) { standing_->begin(phase); }
  const Standing& standing() const { return *standing_; }

  // In place.
  template <Summable T> void all_reduce_sum(std::span<T> x) {
    add_everywhere({x.data(), x.data(), x.size(), number_of<T>});
  }
  // in.size() == size() * out.size(); out may be this rank's part of in.
  template <Summable T> void reduce_scatter_sum(std::span<const T> in, std::span<T> out) {
    require(in.size() == out.size() * std::size_t(size()), "every rank's share of a sum has the same size");
    add_share({in.data(), out.data(), out.size(), number_of<T>});
  }
  // out.size() == size() * in.size(); in may be this rank's part of out.
  template <class T> void all_gather(std::span<const T> in, std::span<T> out) {
    static_assert(std::is_trivially_copyable_v<T>);
    require(out.size() == in.size() * std::size_t(size()), "every rank gives a share of the same size");
    gather(std::as_bytes(in), std::as_writable_bytes(out));
  }
  // x of rank `from`, everywhere.
  template <class T> void broadcast(std::span<T> x, int from = 0) {
    static_assert(std::is_trivially_copyable_v<T>);
    require(from >= 0 && from < size(), "a broadcast comes from one of the ranks");
    send(std::as_writable_bytes(x), from);
  }

 protected:
  // Where others see it, if they can.
  Standing* standing_ = &own_standing_;
  std::uint64_t received_ = 0;

  enum class Number : std::uint8_t { f32, f64, index };
  template <class T>
  static constexpr Number number_of = std::is_same_v<T, float>    ? Number::f32
                                      : std::is_same_v<T, double> ? Number::f64
                                                                  : Number::index;

  // Numbers of one type to be added up; `count` is what `out` holds.
  struct Addends {
    const void* in;
    void* out;
    std::size_t count;
    Number number;
  };
  // f(const T* in, T* out) for the type of the numbers.
  template <class F> static void with_type(const Addends& a, F&& f) {
    const auto call = [&]<class T>(T) { f(static_cast<const T*>(a.in), static_cast<T*>(a.out)); };
    if (a.number == Number::f32) call(float());
    else if (a.number == Number::f64) call(double());
    else call(Index());
  }

 private:
  Standing own_standing_;

  virtual void add_everywhere(const Addends& a) = 0;  // in == out
  virtual void add_share(const Addends& a) = 0;
  virtual void gather(std::span<const std::byte> in, std::span<std::byte> out) = 0;
  virtual void send(std::span<std::byte> x, int from) = 0;
};

// The world whose buffers lie where a device's do.
template <Device D> struct WorldOf {
  static_assert(on_host(D), "vlt: ranks cannot exchange what lies in this device's memory; there is no World for it");
  using type = World;
};
template <Device D> using world_t = typename WorldOf<D>::type;

// A run of one rank.
class Single final : public World {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void barrier() override {}
  void abort(ExitCode) noexcept override {}

 private:
  void add_everywhere(const Addends&) override {}
  void add_share(const Addends& a) override {
    const std::size_t width = a.number == Number::f32 ? sizeof(float) : sizeof(double);
    const auto* in = static_cast<const std::byte*>(a.in);
    if (a.in != a.out) std::copy_n(in, a.count * width, static_cast<std::byte*>(a.out));
  }
  void gather(std::span<const std::byte> in, std::span<std::byte> out) override {
    if (in.data() != out.data()) std::copy(in.begin(), in.end(), out.begin());
  }
  void send(std::span<std::byte>, int) override {}
};

}  // namespace vlt::dist
