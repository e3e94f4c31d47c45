#pragma once
#include <chrono>
#include <vlt/dist/world.hpp>
#include <vlt/optim/parameter_store.hpp>

namespace vlt::dist {

// Lets rank 0 read a whole model that ranks hold shares of, to write it down: rank 0 asks for rows and the others
// answer, some rows at a time, so that no rank ever holds all of it.
template <class Store> class SharedValues {
 public:
  // The store is one that ranks of this world share, or not.
  SharedValues(Store& store, World& world) : store_(store), world_(world) {}

  // Collective. Rank 0 carries f out, which may read any rows of the store; the others answer until it is done, and
  // fail (PEER-FAIL-001) if f does. As long as it reads they hear of it, and do not take it for a rank that hangs.
  template <class F> void on_rank_0(F&& f) {
    if (world_.rank() != 0) return answer();
    store_.read_by([this](int param, Index row, std::span<float> rows) {
      read({param, row, Index(rows.size())}, rows);
    });
    const auto end = [this](Index how) {
      store_.read_by({});
      tell({how, 0, 0});
    };
    try {
      f();
    } catch (...) {
      end(failed);
      throw;
    }
    end(done);
  }

 private:
  static constexpr Index done = -1, failed = -2, busy = -3;
  // Rows that rank 0 wants, or that it wants no more.
  struct Request {
    Index param, row, count;
  };

  Store& store_;
  World& world_;

  using Clock = std::chrono::steady_clock;
  Clock::time_point told_ = Clock::now();

  // Rank 0's part.
  void read(const Request& r, std::span<float> rows) {
    const bool mine = store_.held(int(r.param), r.row, r.count, world_.rank()).size() == r.count;
    if (!mine) tell(r), collect(r, rows);
    else store_.read_held(int(r.param), r.row, rows);
    if (Clock::now() - told_ > std::chrono::seconds(1)) tell({busy, 0, 0});
  }
  void tell(Request r) {
    hear(r);
    told_ = Clock::now();
  }
  void hear(Request& r) { world_.broadcast(std::span(&r, 1)); }
  void answer() {
    std::vector<float> rows;
    for (Request r{};;) {
      hear(r);
      if (r.param == busy) continue;
      if (r.param == done) return;
      if (r.param == failed)
        throw Error(ExitCode::peer, Complaint("PEER-FAIL-001", "rank 0 could not write the model"));
      rows.resize(std::size_t(r.count));
      collect(r, rows);
    }
  }
  // Every rank tells the others the part of the rows that it holds.
  void collect(const Request& r, std::span<float> rows) {
    store_.read_held(int(r.param), r.row, rows);
    for (int rank = 0; rank < world_.size(); ++rank) {
      const Range theirs = store_.held(int(r.param), r.row, r.count, rank);
      if (theirs.size() > 0)
        world_.broadcast(rows.subspan(std::size_t(theirs.begin), std::size_t(theirs.size())), rank);
    }
  }
};

}  // namespace vlt::dist
