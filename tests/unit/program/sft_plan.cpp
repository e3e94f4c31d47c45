// How long a job is and how large its micro-batches are, from its options and the audited data.
#include <catch2/catch.hpp>
#include <numeric>
#include <sstream>
#include <unit/data/byte_samples.hpp>
#include <vlt/dist/thread_group.hpp>
#include <vlt/program/sft_plan.hpp>

using namespace vlt;

namespace {

// A job on twelve records, nine to train on; of eight tokens and more each, every third with two pictures of five
// tiles.
struct Job {
  std::ostringstream out;
  program::Messages messages{out, "sft_main", "0"};
  dist::Single single;
  KnownKinds known = library_kinds();
  program::SftJob job;

  explicit Job(bool with_data = true, dist::World* world = nullptr)
      : job{{}, {}, {}, known, {}, messages, out, world ? *world : single, {}, {}, {}, {}, {}, {}} {
    program::SftOptions o;
    o.per_device_train_batch_size = 2, o.per_device_eval_batch_size = 3, o.num_train_epochs = 4;
    o.gradient_accumulation_steps = 2, o.learning_rate = 0.01, o.lr_scheduler_type = "linear";
    o.num_workers = 3, o.max_num_image_per_sample = 2;
    job.settings = program::sft_settings(o, job.world);
    job.model.tokens_per_image = 5, job.model.max_seq_len = 40;
    if (!with_data) return;
    auto source = std::make_shared<data::SampleSource>(data::SampleSource{{}, test::byte_builder({40, 5}), {}, 3});
    for (std::int32_t i = 0; i < 12; ++i) source->data.sizes.push_back({8 + i, 2, i % 3 ? 0 : 2, i % 3 ? 0 : 10});
    data::Split split;
    split.train.resize(9), split.eval = {9, 10, 11};
    std::iota(split.train.begin(), split.train.end(), Index(0));
    job.data = data::RunData{std::move(source), split, split.train};
  }
};

}  // namespace

TEST_CASE("a job's batches are those of its options") {
  Job j;
  j.job.settings.training.max_steps = 3;
  const program::SftPlan plan(j.job);
  CHECK(plan.training().micro_batches(0) == 5);
  CHECK(plan.training().schedule_steps() == 10);
  CHECK(plan.training().steps() == 3);
  CHECK(plan.evaluation().micro_batches() == 1);
  CHECK(j.job.settings.loader.held == 2);
  CHECK(j.job.settings.loader.workers == 3);
  data::BatchPlan batches = plan.training(), again = program::SftPlan(j.job).training();
  CHECK(std::vector(batches.records(0, 0).begin(), batches.records(0, 0).end()) ==
        std::vector(again.records(0, 0).begin(), again.records(0, 0).end()));
  j.job.settings.seed = 1;
  data::BatchPlan other = program::SftPlan(j.job).training();
  bool same = true;
  for (Index m = 0; m < 5; ++m) same &= std::ranges::equal(batches.records(m, 0), other.records(m, 0));
  CHECK_FALSE(same);
}

TEST_CASE("a job of several ranks plans for all of them", "[threads]") {
  dist::ThreadGroup::run(3, [](dist::World& world) {
    const Job j(true, &world);
    const program::SftPlan plan(j.job);
    if (plan.training().rules().ranks != 3 || plan.training().micro_batches(0) != 2 ||
        plan.evaluation().rules().ranks != 3 || j.job.settings.loader.rank != world.rank())
      throw std::logic_error("a plan for another number of ranks");
  });
}

TEST_CASE("evaluation needs records and an interval, or is all that is asked for") {
  const auto evaluates = [](Index eval_step, bool eval_only, bool records) {
    Job j;
    j.job.settings.eval_step = eval_step;
    if (eval_only) j.job.settings.task = program::SftTask::evaluate;
    if (!records) j.job.data->split.eval.clear();
    return program::SftPlan(j.job).evaluates();
  };
  CHECK(evaluates(100, false, true));
  CHECK(evaluates(0, true, true));
  CHECK_FALSE(evaluates(0, false, true));
  CHECK_FALSE(evaluates(100, false, false));
  CHECK_FALSE(program::SftPlan(Job(false).job).evaluates());
}

TEST_CASE("the memory plan knows the largest micro-batch of the data, or the limits where there are none") {
  Job j;
  const program::SftPlan plan(j.job);
  const WorkSize work = plan.work();
  CHECK(work.training.tokens == plan.training().largest().tokens);
  CHECK(work.training.sequences == 2);
  CHECK(work.evaluation.tokens == 17 + 18 + 19);
  CHECK(work.micro_batches_per_step == 2);
  CHECK(work.training_loader.held == 2);
  CHECK(work.evaluation_loader.held == 1);
  CHECK(work.decoder_bytes == 0);
  CHECK(plan.heading(work) == "planned from the largest audited micro-batch: 2 sequences, " +
                                  std::to_string(work.training.tokens) + " tokens, " +
                                  std::to_string(work.training.images) + " images in " +
                                  std::to_string(work.training.tiles) + " tiles\n");
  j.job.settings.eval_step = 0;
  CHECK(program::SftPlan(j.job).work().evaluation.sequences == 0);
  j.job.settings.task = program::SftTask::evaluate;
  CHECK(program::SftPlan(j.job).work().training.sequences == 0);
  CHECK(program::SftPlan(j.job).work().evaluation.sequences == 3);

  const Job limits(false);
  const program::SftPlan blind(limits.job);
  CHECK(blind.work().training.tokens == 2 * 40);
  CHECK(blind.work().evaluation.sequences == 3);
  CHECK(blind.heading(blind.work()) ==
        "planned from the limits, since there is no --data_path: 2 sequences, 80 tokens, 4 images\n");
}

TEST_CASE("a packed job knows its micro-batches beforehand, and tells how full they are") {
  Job j;
  CHECK(program::SftPlan(j.job).filling().empty());
  j.job.settings.training.tokens = 2 * 40;
  const program::SftPlan plan(j.job);
  CHECK(plan.training().micro_batches() == 8);  // 108 tokens in each of four epochs
  CHECK(plan.filling() == "packing: 8 micro-batches of at most 80 tokens, 67.5 % full, instead of 20 of 2 sequences\n");
  j.job.settings.task = program::SftTask::evaluate;
  CHECK(program::SftPlan(j.job).filling().empty());

  Job limits(false);
  limits.job.settings.training.tokens = 2 * 40;
  const program::SftPlan blind(limits.job);
  CHECK(blind.filling().empty());
  CHECK(blind.work().training.sequences == 40);
  CHECK(blind.work().training.images == 15);
}

TEST_CASE("features that are kept in memory have room for every picture once, or for less") {
  Job j;
  CHECK(program::SftPlan(j.job).feature_bytes(10) == 0);
  auto source = std::make_shared<data::SampleSource>(*j.job.data->source);
  for (std::size_t i = 0; i < source->data.sizes.size(); ++i)
    source->data.records.push_back(
        test::talk({{"q", "a"}}, {"picture " + std::to_string(i % 5), "picture " + std::to_string(i + 1)}));
  j.job.data->source = source;  // numbers 0 to 9 train, 12 evaluates too
  j.job.settings.features = program::KeptFeatures::in_memory, j.job.settings.feature_bytes = 1000;
  CHECK(program::SftPlan(j.job).feature_bytes(10) == 13 * 10 * sizeof(float));
  j.job.settings.eval_step = 0;
  CHECK(program::SftPlan(j.job).feature_bytes(10) == 10 * 10 * sizeof(float));
  CHECK(program::SftPlan(j.job).feature_bytes(100) == 1000);
  CHECK(program::SftPlan(Job(false).job).feature_bytes(10) == 0);
  j.job.settings.features = program::KeptFeatures::on_disk;
  CHECK(program::SftPlan(j.job).feature_bytes(10) == 0);
}

TEST_CASE("warm-up is a part of the schedule, whose length max_steps does not change") {
  Job j;
  j.job.settings.warmup = 0.3, j.job.settings.training.max_steps = 2;
  const Schedule s = program::SftPlan(j.job).schedule();
  CHECK(s.kind == ScheduleKind::linear);
  CHECK(s.steps == 10);
  CHECK(s.warmup == 3);
  CHECK(s.learning_rate == 0.01);
  j.job.settings.warmup = 10;
  CHECK(program::SftPlan(j.job).schedule().warmup == 10);
  j.job.settings.warmup = 11;
  try {
    program::SftPlan(j.job).schedule();
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.complaint().code() == "OPT-WARMUP-017");
    CHECK(e.complaint().expected() == "at most 10 steps");
    CHECK(e.complaint().found() == "11");
  }
}
