// A micro-batch on a device with memory of its own: every list once, and the same lists.
#include <catch2/catch.hpp>
#include <unit/foreign_memory.hpp>
#include <vlt/models/losses.hpp>
#include <vlt/tensor/workspace.hpp>
#include "small_model.hpp"
using namespace vlt;

namespace {

constexpr Device foreign = Device::cuda;

std::vector<Index> read(const IndexView<foreign>& list) {
  std::vector<Index> values(static_cast<std::size_t>(list.size()));
  Memory<foreign>::copy_to_host(values.data(), list.data(), values.size() * sizeof(Index));
  return values;
}
Batch batch_of_two_groups() {
  ClipSizes tower = small_tower();
  tower.drop_class = true;
  const auto model = small_model<ClipVit<Gold>, LlamaDecoder<Gold>>(tower);
  const int groups[3] = {0, 2, 0};
  return model.batch(equal_segments(3, 1), conversations(), image_id, groups);
}

}  // namespace

TEST_CASE("a batch says with its pictures what the parts of the model need inside") {
  const Batch b = batch_of_two_groups();
  CHECK(b.images.rows() == 3);
  CHECK(b.inside_tower.offset == std::vector<Index>{0, 5, 10, 15});  // with class tokens
  CHECK(b.features.offset == std::vector<Index>{0, 4, 8, 12});       // without
  CHECK(b.inside_projector.rows() == 0);                             // it asks for nothing
  CHECK(b.targets.groups() == 3);
  CHECK(Targets{}.groups() == 1);
  Targets astray;
  astray.group = {0, -1};
  CHECK_THROWS_AS(astray.groups(), std::invalid_argument);
}

TEST_CASE("what operations read of a batch is copied once, in planned memory") {
  const Batch b = batch_of_two_groups();
  Threads threads;
  Workspace<foreign> workspace(threads);
  const auto pass = [&](Scope& s) {
    Frame frame(s);
    const BatchView<foreign> view(s, b);
    CHECK(view.targets.groups == 3);
    CHECK(view.inside_tower.rows() == 15);
    CHECK(view.text.rows() == b.text.rows());
    if (s.arena().planning()) return;
    CHECK(read(view.id) == b.id);
    CHECK(read(view.image_row) == b.image_row);
    CHECK(read(view.targets.row) == b.targets.row);
    CHECK(read(view.targets.id) == b.targets.id);
    CHECK(read(view.targets.group) == b.targets.group);
    const TargetsView<foreign> part = view.targets.part(1, 2);
    CHECK(read(part.id) == std::vector<Index>(b.targets.id.begin() + 1, b.targets.id.begin() + 3));
    CHECK(read(part.group) == std::vector<Index>(b.targets.group.begin() + 1, b.targets.group.begin() + 3));
    CHECK(part.groups == 3);
  };
  Arena plan;
  CostTable operations;
  Scope planned(plan, threads, nullptr, &operations);
  pass(planned);
  CHECK(operations.line.at("upload").calls == 6 * 2 + 5);  // offsets and places of six layouts, five lists
  const int before = ForeignMemory::to_device;
  workspace.run(pass);
  CHECK(ForeignMemory::to_device - before == 6 * 2 + 5);
  CHECK(workspace.peak() == plan.peak());
}

TEST_CASE("losses are added up in the memory of the device and read when asked for") {
  LossAccumulator<foreign> losses(2, true);
  CHECK(ForeignMemory::holds(losses.sums().data));
  CHECK(losses.sums().shape() == Shape{1, 3});
  const std::vector<double> found{0.5, 0.25, 7};
  Memory<foreign>::copy_from_host(losses.sums().data, found.data(), 3 * sizeof(double));
  const int before = ForeignMemory::to_host;
  const LossSums sums = losses.read();
  CHECK(ForeignMemory::to_host - before == 2);
  CHECK(sums.by_group == std::vector<double>{0.5, 0.25});
  CHECK(sums.correct == 7);
  CHECK(sums.total() == 0.75);
  losses.clear();
  CHECK(losses.read().total() == 0);
  CHECK(losses.read().correct == 0);
}
