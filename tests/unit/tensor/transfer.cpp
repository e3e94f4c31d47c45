// What a pass reads is brought to a device once, into planned memory; on the host nothing moves.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <unit/foreign_memory.hpp>
#include <vlt/tensor/constant_table.hpp>
#include <vlt/tensor/transfer.hpp>
#include <vlt/tensor/workspace.hpp>
using namespace vlt;

namespace {

constexpr Device foreign = Device::cuda;
using Pixels = Tokens<space::pixels, float, foreign>;

Segments two_sequences() {
  Segments b;
  b.append({TokenKind::text, TokenKind::image, TokenKind::image});
  b.append({TokenKind::text, TokenKind::text}, 7);
  return b;
}
template <class T> std::vector<T> copy_of(const T* at, std::size_t count) {
  std::vector<T> values(count);
  Memory<foreign>::copy_to_host(values.data(), at, values.size() * sizeof(T));
  return values;
}

}  // namespace

TEST_CASE("on the host, views point straight at what they view") {
  const Segments b = two_sequences();
  const std::vector<Index> rows{4, -1, 2};
  std::vector<float> numbers(6);
  Threads threads;
  Arena arena;
  CostTable table;
  Scope s(arena, threads, nullptr, &table);
  const SegmentsView<under_test> view = upload<under_test>(s, b);
  CHECK(view.offsets() == b.offset.data());
  CHECK(view.places() == b.place.data());
  CHECK(upload<under_test>(s, rows).data() == rows.data());
  const auto x = borrow_host<Tokens<space::pixels, float, under_test>>(numbers.data(), 2, 3);
  CHECK(upload<Tokens<space::pixels, float, under_test>>(s, x).data == numbers.data());
  CHECK(arena.peak() == 0);
  CHECK(table.line.empty());
}

TEST_CASE("a view tells of sequences what their description tells") {
  const Segments b = two_sequences();
  const SegmentsView<under_test> view = b, nothing;
  CHECK(view.sequences() == 2);
  CHECK(view.rows() == 5);
  CHECK(view.begin(1) == 3);
  CHECK(view.end(1) == 5);
  CHECK(view.longest() == 3);
  CHECK(nothing.sequences() == 0);
  CHECK(nothing.rows() == 0);
  CHECK(nothing.longest() == 0);
  const std::vector<Index> list{5, 6, 7, 8};
  const IndexView<under_test> all = list, part = all.part(1, 2);
  CHECK(part.size() == 2);
  CHECK(part[0] == 6);
  CHECK(part[1] == 7);
  CHECK(IndexView<under_test>().empty());
}

TEST_CASE("a device with memory of its own gets copies, in the memory that was planned") {
  const Segments b = two_sequences();
  const std::vector<Index> rows{4, -1, 2};
  std::vector<float> numbers{1, 2, 3, 4, 5, 6}, back(6);
  const auto x = borrow_host<host_form_t<Pixels>>(numbers.data(), 2, 3);
  Threads threads;
  Workspace<foreign> workspace(threads);
  CostTable table;
  const auto pass = [&](Scope& s) {
    Frame frame(s);
    const SegmentsView<foreign> view = upload<foreign>(s, b);
    const IndexView<foreign> list = upload<foreign>(s, rows);
    const Pixels copy = upload<Pixels>(s, x);
    CHECK(view.rows() == 5);
    CHECK(view.end(0) == 3);
    CHECK(list.size() == 3);
    CHECK(copy.shape() == x.shape());
    download(s, Matrix<float, foreign>(copy), back);
    if (s.arena().planning()) return;
    CHECK(
        (ForeignMemory::holds(view.places()) && ForeignMemory::holds(list.data()) && ForeignMemory::holds(copy.data)));
    CHECK(copy_of(view.offsets(), 3) == b.offset);
    CHECK(copy_of(list.data(), 3) == rows);
    for (Index r = 0; r < 5; ++r) {
      CHECK(copy_of(view.places(), 5)[r].position == b.place[r].position);
      CHECK(copy_of(view.places(), 5)[r].kind == b.place[r].kind);
    }
  };
  Arena plan;
  CostTable operations;
  Scope planned(plan, threads, nullptr, &operations);
  pass(planned);
  CHECK(ForeignMemory::to_device == 0);
  CHECK(plan.peak() == 64 + 128 + 64 + 64);
  CHECK(operations.line.at("upload").calls == 4);
  CHECK(planned.total().bytes == 3 * sizeof(Index) + 5 * sizeof(Place) + 3 * sizeof(Index) + 2 * 6 * sizeof(float));
  workspace.run(pass);
  CHECK(ForeignMemory::to_device == 4);
  CHECK(back == numbers);
  CHECK(workspace.peak() == plan.peak());
}

TEST_CASE("only contiguous rows are copied, and results into memory of their size") {
  std::vector<float> numbers(8);
  const auto apart = borrow_host<host_form_t<Pixels>>(numbers.data(), 2, 3, 4);
  Threads threads;
  Arena arena;
  Scope s(arena, threads);
  CHECK_THROWS_WITH(upload<Pixels>(s, apart), Catch::Contains("contiguous"));
  const auto result = s.temp<Matrix<float, foreign>>({2, 3});
  CHECK_THROWS_WITH(download(s, result, numbers), Catch::Contains("its own size"));
}

TEST_CASE("copies of a layer share its tables") {
  const ConstantTable<float, foreign> table({1, 2, 3, 4, 5, 6}, 3), copy = table;
  CHECK(table.view().shape() == Shape{2, 3});
  CHECK(copy.view().data == table.view().data);
  CHECK(copy_of<float>(table.view().data, 6) == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(ConstantTable<float, foreign>().view().rows == 0);
}
