// Training on pictures of several tiles: how the data are split into micro-batches changes nothing, and the plan holds.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/data/sample_source.hpp>
#include <vlt/optim/initialise.hpp>
#include <vlt/pretrained/choose_training.hpp>
#include <vlt/pretrained/make_language.hpp>
#include <vlt/pretrained/make_projector.hpp>
#include <vlt/pretrained/make_vision.hpp>
#include <vlt/train/plan_run.hpp>
#include <vlt/train/trainer.hpp>
#include "../data/byte_samples.hpp"

using namespace vlt;
using namespace vlt::test;

namespace {

using P = Policy<under_test, Precision::f32>;
constexpr Index floats = 3 * 8 * 8;

// Tiles of 8 pixels and 2 x 2 tokens.
ModelDescription next_description() {
  ModelDescription m;
  m.processor.shortest_edge = m.processor.crop = 8;
  m.processor.grid = {{8, 16}, {16, 8}, {16, 16}};
  m.tokens_per_image = 4, m.max_seq_len = 64;
  m.vision_sizes.image = 8, m.vision_sizes.patch = 4, m.vision_sizes.depth = 1, m.vision_sizes.drop_class = true;
  return m;
}
BlockSizes block(bool bias) {
  BlockSizes b;
  b.width = 16, b.heads = b.kv_heads = 2, b.head_dim = 8, b.mlp = 24;
  b.qkv_bias = b.output_bias = b.mlp_bias = bias;
  return b;
}
AnyVlm<P> next_model() {
  ClipSizes vision = next_description().vision_sizes;
  vision.block = block(true);
  LlamaSizes language;
  language.vocabulary = 259, language.depth = 2, language.block = block(false);
  language.block.rope = Rope::plain(8, 10000);
  ProjectorSizes projector{16, 16, 4, false, vision.block};
  projector.mlp.newline = true;
  return {make_vision<P>(vision, false), make_projector<P, MlpKind>(projector),
          make_language<P, LlamaFamily, MaskKind::causal>(language, false)};
}
// Eight records with no, one or two pictures of 1 x 2 to 2 x 2 tiles.
data::SampleSource source() {
  const data::LengthRules lengths{64, next_description().pictures()};
  const auto paint = [](const std::string& name, std::span<float> to) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = float(std::sin(double(i) + double(name[0])));
  };
  data::SampleSource s{{}, byte_builder(lengths), paint, floats};
  s.data.files.push_back({});
  const std::vector<image::Size> sizes{{8, 16}, {16, 8}, {16, 16}, {5, 90}};
  for (Index i = 0; i < 8; ++i) {
    std::vector<std::string> images;
    for (Index k = 0; k < i % 3; ++k) images.push_back(std::string(1, char('a' + i + k)));
    data::Record r = talk({{std::string(std::size_t(i % 4), 'q'), "answer " + std::to_string(i)}}, images);
    for (std::size_t k = 0; k < images.size(); ++k) r.sizes.push_back(sizes[(std::size_t(i) + k) % 4]);
    s.data.records.push_back(std::move(r));
  }
  s.data.sizes.resize(8);
  s.measure();
  return s;
}
data::BatchPlan plan_of(const data::SampleSource& source, Index batch) {
  return {{{0, 1, 2, 3, 4, 5, 6, 7}, 0, false}, source.data.sizes, {.sequences = batch}};
}

struct Step {
  StepResult result;
  std::vector<float> weights;  // after the step
  std::size_t planned = 0, peak = 0;
};
// One optimiser step over all records, so many to a micro-batch.
Step step(const data::SampleSource& source, Index batch) {
  Threads threads(1);
  AnyVlm<P> model = next_model();
  ParameterStore store(registry_of<P>(model));
  initialise(store, threads, 5);
  const data::MicroBatchSize largest = plan_of(source, batch).largest();
  AnyVlm<P>::pixels shape;
  shape.rows = largest.tiles, shape.cols = shape.stride = floats;
  const PassPlan plan = plan_training(model, threads, shape, empty_batch(model, largest));
  Engine engine(model, store, threads, plan.arena_bytes);
  text::Encoder encoder(source.builder.tokenizer());
  std::vector<data::MicroBatch> batches(std::size_t(8 / batch));
  Index supervised = 0;
  for (std::size_t m = 0; m < batches.size(); ++m) {
    data::BatchPlan batch_plan = plan_of(source, batch);
    for (const Index record : batch_plan.records(Index(m), 0))
      source.append(record, std::span(&record, 1), encoder, batches[m], [](Index, const std::string&) {});
    supervised += batches[m].supervised;
  }
  engine.begin_step(supervised);
  for (data::MicroBatch& b : batches)
    engine.micro_batch(pixels_of<AnyVlm<P>>(b, floats), pack(model, b, source.builder), &b == &batches.back());
  Step s;
  const std::vector<double> rates(store.registry().params.size(), 1e-3);
  s.result = engine.finish_step(rates, 0);
  s.planned = plan.arena_bytes, s.peak = engine.peak();
  for (std::size_t p = 0; p < store.registry().params.size(); ++p) {
    std::vector<float> values(std::size_t(store.registry().params[p].value->size()));
    store.read(int(p), 0, values);
    s.weights.insert(s.weights.end(), values.begin(), values.end());
  }
  return s;
}

}  // namespace

TEST_CASE("a step with tiles is the same however it is split, and keeps to its plan") {
  const data::SampleSource data = source();
  const Step whole = step(data, 8);
  CHECK(whole.peak == whole.planned);
  CHECK(whole.result.grad_norm > 0.01);
  for (const Index batch : {1, 2, 4}) {
    const Step split = step(data, batch);
    INFO(batch << " records to a micro-batch");
    CHECK(split.result.loss == Approx(whole.result.loss).epsilon(1e-6));
    CHECK(split.result.grad_norm == Approx(whole.result.grad_norm).epsilon(1e-5));
    CHECK(split.result.supervised == whole.result.supervised);
    CHECK(split.peak <= split.planned);
    CHECK(split.planned < whole.planned);
  }
}

TEST_CASE("image_newline is learnt at the projector's rate") {
  AnyVlm<P> model = next_model();
  const auto registry = choose_training<P>(model, TrainingChoice{false, false, false, {}, {}});
  std::vector<std::string> names;
  for (const auto& p : registry.params)
    if (p.trains()) names.push_back(p.name());
  CHECK(names == std::vector<std::string>{"projection.linear_1.weight", "projection.linear_1.bias",
                                          "projection.linear_2.weight", "projection.linear_2.bias",
                                          "projection.image_newline"});
}

TEST_CASE("without data a plan takes pictures to be the largest that fit") {
  ModelDescription m = next_description();
  m.max_seq_len = 64;
  data::MicroBatchSize n = limit_of(m, {.sequences = 2}, 8);  // pictures of up to 24 tokens in 5 tiles
  CHECK(n.images == 2 * 3);
  CHECK(n.tiles == 2 * 3 * 5);
  CHECK(n.supervised == 2 * 64 - 6 * 4);
  CHECK(limit_of(m, {.sequences = 2}, 1).tiles == 2 * 5);
  m.max_seq_len = 5;  // one whose canvas shows little of it
  CHECK(limit_of(m, {.sequences = 1}, 8).tiles == 5);
  m.max_seq_len = 4;
  CHECK(limit_of(m, {.sequences = 1}, 8).tiles == 0);

  m.processor.grid.clear(), m.max_seq_len = 64;
  n = limit_of(m, {.sequences = 2}, 8);
  CHECK(n.images == 2 * 8);
  CHECK(n.tiles == n.images);
  m.max_seq_len = 12;
  CHECK(limit_of(m, {.sequences = 1}, 8).tiles == 2);
  n = limit_of(m, {.sequences = 3, .tokens = 36}, 1);  // nine would leave no room for a word
  CHECK(n.images == 8);
  CHECK(n.tokens == 36);
  CHECK(n.sequences == 18);
  CHECK(n.longest == 12);
  m.max_seq_len = 4;
  CHECK(limit_of(m, {.sequences = 1}, 8).tiles == 0);
}

TEST_CASE("what nobody has asked of a trainer, and of the plan of its work") {
  const TrainerSettings s;
  CHECK((s.max_grad_norm == 1 && s.eval_step == 0 && s.save_step == 0 && s.early_stop == 0 && !s.log_accuracy &&
         s.peak_flops == 0));
  const double before = s.seconds();
  CHECK(s.seconds() >= before);
  CHECK((WorkSize().micro_batches_per_step == 1 && WorkSize().decoder_bytes == 0));
  CHECK((Pace().seconds == 0 && Pace().steps == 0));
}
