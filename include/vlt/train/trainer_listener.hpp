#pragma once
#include <vlt/data/micro_batch.hpp>
#include <vlt/train/metrics.hpp>

namespace vlt {

// How far a process has come by itself; a run that was taken up again counts from there.
struct Pace {
  double seconds = 0;  // since it began its first step
  Index steps = 0;     // done since then
};

// Hears what a trainer does, between its steps. Every rank's trainer tells its own listeners the same.
class TrainerListener {
 public:
  virtual ~TrainerListener() = default;
  virtual void sample_lost(const data::LostSample&) {}  // on some rank, while its image was decoded
  virtual void step_done(const StepMetrics&, const Pace&) {}
  virtual void evaluated(const EvalMetrics&) {}
  virtual void epoch_done(Index /*epoch, from 0*/) {}  // also at the end of the run
};

}  // namespace vlt
