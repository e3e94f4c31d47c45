#pragma once
#include <pthread.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <sstream>
#include <system_error>
#include <thread>
#include <vlt/data/batch_plan.hpp>
#include <vlt/data/sample_source.hpp>

namespace vlt::data {

// How a loader reads a plan: with how many threads, how far ahead, how patiently.
struct LoaderSettings {
  int workers = 1;            // threads that read ahead
  Index held = 1;             // micro-batches that stay valid at once: those of an optimiser step
  double timeout_s = 300;     // how long a micro-batch may keep the caller waiting
  double image_seconds = 10;  // of a worker's CPU time for one image
  OnBadSample on_bad_sample = OnBadSample::fail;
  Index first = 0;                              // the micro-batch of the plan that it begins with
  int rank = 0;                                 // whose parts of micro-batches it makes
  std::shared_ptr<FeatureCache> features = {};  // where images of a frozen tower are looked up, if anywhere

  // Micro-batches in memory at once: those held, one in each worker's hands, one that waits.
  Index slots() const { return held + workers + 1; }
};

// Bytes of a loader's micro-batches, the largest of which is known. floats_per_tile: pixels, and features where they
// are kept.
inline Index loader_bytes(const LoaderSettings& settings, const MicroBatchSize& largest, Index floats_per_tile) {
  return settings.slots() * (largest.tiles * floats_per_tile * Index(sizeof(float)) +
                             largest.tokens * Index(2 * sizeof(Index)) + largest.sequences * Index(sizeof(Sample)));
}

// Makes the micro-batches of a plan ahead of their use, on threads of its own, and hands them out in the plan's order:
// which thread made one, and when, changes nothing. The memory of pixels is recycled.
class Loader {
 public:
  Loader(std::shared_ptr<const SampleSource> source, BatchPlan plan, const LoaderSettings& settings)
      : state_(std::make_shared<State>(std::move(source), std::move(plan), settings)), next_(settings.first) {
    require(settings.workers > 0 && settings.held > 0, "a loader needs a worker and a micro-batch");
    try {
      for (int i = 0; i < settings.workers; ++i) workers_.emplace_back([s = state_] { s->serve(); });
    } catch (const std::system_error& e) {
      state_->dismiss(settings.workers - int(workers_.size()));
      end();
      throw Error(ExitCode::usage,
                  Complaint("OPT-LOADER-003", "a worker thread cannot be started")
                      .at("--num_workers")
                      .found(std::string(e.what()) + " after " + std::to_string(workers_.size()) + " threads")
                      .help("lower --num_workers"));
    }
  }
  ~Loader() { end(); }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  bool more() const { return next_ < state_->end; }
  const BatchPlan& plan() const { return state_->plan; }
  const SampleSource& source() const { return *state_->source; }
  FeatureCache* features() const { return state_->settings.features.get(); }  // null: there is no cache
  Index position() const { return next_; }                                    // the number of the next micro-batch

  // The next micro-batch. It stays valid, and the caller's, until `held` further ones were asked for. Throws what a
  // worker threw for this micro-batch, and Error (exit 11) if it is not there in time.
  MicroBatch& next() {
    require(more(), "the loader has handed out all micro-batches");
    return state_->wait_for(next_++);
  }

 private:
  struct Slot {
    MicroBatch batch;
    Index number = -1;  // which micro-batch it holds, once it is made
    std::exception_ptr error;
    std::string reading;  // the image in its worker's hands
    ::clockid_t clock{};  // that worker's CPU time
    double since = 0;     // on that clock
  };
  static double seconds(::clockid_t clock) {
    ::timespec t{};
    ::clock_gettime(clock, &t);
    return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
  }

  // What workers share. It outlives a loader whose worker hangs.
  struct State {
    std::shared_ptr<const SampleSource> source;
    BatchPlan plan;  // workers ask for records; all else stays as it is
    LoaderSettings settings;
    Index end;
    std::vector<Slot> slots;
    std::mutex mutex;
    std::condition_variable made, released, ended;
    Index next_job, oldest;  // micro-batches before `oldest` are no longer in use
    int at_work;
    std::atomic<bool> stop{false};

    State(std::shared_ptr<const SampleSource> s, BatchPlan p, const LoaderSettings& l)
        : source(std::move(s)),
          plan(std::move(p)),
          settings(l),
          end(plan.end()),
          slots(std::size_t(l.slots())),
          next_job(l.first),
          oldest(l.first),
          at_work(l.workers) {}
    Slot& slot_of(Index number) { return slots[std::size_t(number) % slots.size()]; }

    void serve() {
      text::Encoder encoder(source->builder.tokenizer());
      ::clockid_t clock{};
      ::pthread_getcpuclockid(::pthread_self(), &clock);
      std::vector<Index> records;
      std::unique_lock lock(mutex);
      for (;;) {
        released.wait(lock, [&] { return stop || next_job >= end || next_job < oldest + Index(slots.size()); });
        if (stop || next_job >= end) break;
        const Index number = next_job++;
        const auto chosen = plan.records(number, settings.rank);
        records.assign(chosen.begin(), chosen.end());
        Slot& slot = slot_of(number);
        slot.clock = clock;
        lock.unlock();
        std::exception_ptr error;
        try {
          fill(slot, records, encoder);
        } catch (...) { error = std::current_exception(); }
        lock.lock();
        slot.number = number, slot.error = error, slot.reading.clear();
        made.notify_all();
      }
      --at_work;
      ended.notify_all();
    }
    void fill(Slot& slot, const std::vector<Index>& records, text::Encoder& encoder) {
      MicroBatch& b = slot.batch;
      b.clear();
      source->reserve(records, settings.features.get(), b);
      for (const Index sample : records) append(slot, sample, encoder);
    }
    // A record whose image cannot be decoded is left out, and what it was joined with stays.
    void append(Slot& slot, Index sample, text::Encoder& encoder) {
      std::vector<Index> left = source->data.members(sample);
      while (!left.empty() && !stop) {
        Index record = left.front();
        try {
          const auto reading = [&](Index read, const std::string& name) {
            const std::lock_guard lock(mutex);
            record = read, slot.reading = name, slot.since = seconds(slot.clock);
          };
          return source->append(sample, left, encoder, slot.batch, reading, settings.features.get());
        } catch (const Error& e) {
          Complaint c = Complaint(e.complaint()).within(source->place_of(record, ".image"));
          if (e.exit() != ExitCode::data || settings.on_bad_sample == OnBadSample::fail) throw Error(e.exit(), c);
          slot.batch.lost.push_back({record, std::move(c)});
          std::erase(left, record);
        }
      }
    }

    MicroBatch& wait_for(Index number) {
      std::unique_lock lock(mutex);
      oldest = std::max(settings.first, number - settings.held + 1);
      released.notify_all();
      Slot& slot = slot_of(number);
      if (!wait(lock, made, settings.timeout_s, [&] { return slot.number == number || too_slow(slot); })) stalled(slot);
      if (slot.number != number) refuse_slow(slot);
      if (slot.error) std::rethrow_exception(slot.error);
      return slot.batch;
    }
    // Waits until `done`, which is asked at least ten times a second; false if that takes longer than `limit` seconds.
    template <class Done>
    static bool wait(std::unique_lock<std::mutex>& lock, std::condition_variable& news, double limit, Done&& done) {
      const auto begin = std::chrono::steady_clock::now();
      while (!done()) {
        if (std::chrono::steady_clock::now() - begin > std::chrono::duration<double>(limit)) return false;
        news.wait_until(lock, std::chrono::system_clock::now() + std::chrono::milliseconds(100));
      }
      return true;
    }
    bool too_slow(const Slot& slot) const {
      return !slot.reading.empty() && seconds(slot.clock) - slot.since > settings.image_seconds;
    }
    [[noreturn]] void refuse_slow(const Slot& slot) const {
      blame_data.raise(
          Complaint("LOADER-002", "decoding an image takes too long")
              .at(slot.reading)
              .expected("at most " + (std::ostringstream() << settings.image_seconds).str() + " s of one core")
              .help("make the image smaller, or raise --limit_image_seconds"));
    }
    [[noreturn]] void stalled(const Slot& slot) const {
      throw Error(ExitCode::stalled,
                  Complaint("DATA-LOADER-001",
                            "the loader made no progress for " + std::to_string(Index(settings.timeout_s)) + " s")
                      .at(slot.reading)
                      .expected("a micro-batch within --loader_timeout_s")
                      .found(slot.reading.empty() ? "no image is being read" : "this image is still being read")
                      .help("check the storage, or raise --loader_timeout_s"));
    }
    // These workers never came.
    void dismiss(int workers) {
      const std::lock_guard lock(mutex);
      at_work -= workers;
    }
    // Tells the workers to end; did all do so in time?
    bool shut_down(double grace) {
      std::unique_lock lock(mutex);
      stop = true;
      released.notify_all();
      return wait(lock, ended, grace, [&] { return at_work == 0; });
    }
  };

  std::shared_ptr<State> state_;
  std::vector<std::thread> workers_;
  Index next_;

  // A worker that hangs in a read is left behind: what it touches is shared and stays.
  void end() {
    const bool ended = state_->shut_down(2);
    for (auto& w : workers_) ended ? w.join() : w.detach();
  }
};

}  // namespace vlt::data
