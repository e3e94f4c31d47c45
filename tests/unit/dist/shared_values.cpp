// A model that ranks share is read whole by rank 0, a few rows at a time.
#include <thread>
#include <vlt/dist/shared_values.hpp>
#include "zero_training.hpp"

using namespace zero_training;

namespace {

// How many parameters rank 0 read right, of all; other ranks: 0 of 0.
struct Read {
  std::size_t right = 0, all = 0;
};

template <class P> Read read_all(dist::World& world, const dist::ZeroSettings& zero) {
  RankRun<P> run(world, {false, zero, world.size()});
  auto& store = run.store();
  const auto value = [](const auto& p, Index e) { return double(p.name().size() % 7) + 0.125 * double(e % 61); };
  store.fill(value);  // exact in bf16
  Read read;
  dist::SharedValues(store, world).on_rank_0([&] {
    for (std::size_t i = 0; i < store.registry().params.size(); ++i) {
      const auto& p = store.registry().params[i];
      const Index cols = p.value->cols, at_once = 3;
      bool right = true;
      for (Index row = 0; row < p.value->rows; row += at_once) {
        std::vector<float> rows(std::size_t(std::min(at_once, p.value->rows - row) * cols), -1);
        store.read(int(i), row, rows);
        for (std::size_t e = 0; e < rows.size(); ++e) right &= rows[e] == float(value(p, row * cols + Index(e)));
      }
      read.right += right, ++read.all;
    }
  });
  world.barrier();  // whoever still waited for a request would not come here
  return read;
}

template <class P> void check(int ranks) {
  for (int stage = 0; stage < 4; ++stage) {
    INFO(ranks << " ranks, stage " << stage);
    Read read;
    dist::ThreadGroup::run(ranks, [&](dist::World& world) {
      const Read mine = read_all<P>(world, {stage});
      if (world.rank() == 0) read = mine;
    });
    CHECK(read.all > 10);
    CHECK(read.right == read.all);
  }
}

}  // namespace

TEST_CASE("rank 0 reads what others hold", "[threads]") {
  check<Policy<under_test, Precision::bf16>>(2);
  check<Policy<under_test, Precision::f32>>(3);
  check<Policy<under_test, Precision::bf16, Tuning::adapted>>(2);
}

TEST_CASE("a rank 0 that takes its time with its own is not taken for one that hangs", "[threads]") {
  using P = Policy<under_test, Precision::f32>;
  dist::ThreadGroup::run(2, [&](dist::World& world) {
    RankRun<P> run(world, {false, {0}, 2});
    auto& store = run.store();
    world.barrier();
    world.wait_at_most(1.8);
    dist::SharedValues(store, world).on_rank_0([&] {
      std::vector<float> row(std::size_t(store.registry().params[0].value->cols));
      for (int i = 0; i < 3; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1050));
        store.read(0, 0, row);  // all ranks hold it
      }
    });
  });
}

TEST_CASE("where rank 0 fails nobody goes on, and without it nobody reads what others hold", "[threads]") {
  using P = Policy<under_test, Precision::f32>;
  std::vector<std::string> said(2), alone(2);
  const auto run = [&] {
    dist::ThreadGroup::run(2, [&](dist::World& world) {
      RankRun<P> run(world, {false, {1}, 2});
      const auto& store = run.store();
      const auto whole = [&](int param) { return store.registry().params[std::size_t(param)].value->size(); };
      int shared = 0;  // a parameter of which this rank holds a part
      while (store.held(shared, 0, whole(shared), world.rank()).size() == whole(shared)) ++shared;
      std::vector<float> rows(std::size_t(whole(shared)));
      const auto rank = std::size_t(world.rank());
      try {
        store.read(shared, 0, rows);
      } catch (const std::invalid_argument& e) { alone[rank] = e.what(); }
      try {
        dist::SharedValues(run.store(), world).on_rank_0([&] {
          store.read(shared, 0, rows);
          throw std::runtime_error("the disk is full");
        });
      } catch (const std::exception& e) {
        said[rank] = e.what();
        throw;
      }
    });
  };
  CHECK_THROWS(run());
  for (const std::string& a : alone) CHECK_THAT(a, Catch::Contains("held by another rank"));
  CHECK(said[0] == "the disk is full");
  CHECK_THAT(said[1], Catch::Contains("rank 0"));
}
