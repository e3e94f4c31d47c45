// Matrices are strided views, segments describe packed rows.
#include <catch2/catch.hpp>
#include <vector>
#include <vlt/tensor/tokens.hpp>

using namespace vlt;

TEST_CASE("columns and row ranges share the memory they are cut from") {
  std::vector<float> v(12);
  for (std::size_t i = 0; i < 12; ++i) v[i] = float(i);
  using M = Matrix<float, Device::cpu>;
  const M m = borrow_host<M>(v.data(), 3, 4);
  const auto part = columns(m, 1, 2);
  CHECK(part(2, 0) == 9);
  CHECK(part.stride == 4);
  CHECK_FALSE(part.contiguous());
  const auto rows = row_range(part, 1, 2);
  CHECK(rows(0, 1) == 6);
  rows(1, 1) = -1;
  CHECK(v[10] == -1);
  CHECK(columns(M{nullptr, 3, 4, 4}, 1, 2).data == nullptr);  // a plan has shapes only
}

TEST_CASE("segments know their borders, positions and kinds") {
  using enum TokenKind;
  Segments s;
  s.append({text, image, image});
  s.append(2);
  s.append({text}, 7);
  CHECK(s.sequences() == 3);
  CHECK(s.rows() == 6);
  CHECK(s.begin(1) == 3);
  CHECK(s.end(1) == 5);
  CHECK(s.longest() == 3);
  CHECK(s.place[2].position == 2);
  CHECK(s.place[2].kind == image);
  CHECK(s.place[3].position == 0);
  CHECK(s.place[5].position == 7);
}

TEST_CASE("equal segments repeat") {
  Segments s = equal_segments(3, 4);
  CHECK(s.rows() == 12);
  CHECK(s.place[6].position == 2);
  CHECK(s.place[6].kind == TokenKind::image);
  CHECK(s.offset == std::vector<Index>{0, 4, 8, 12});
  CHECK(equal_segments(2, 5, TokenKind::text).place[5].kind == TokenKind::text);
  const Segments none = equal_segments(0, 5);
  CHECK(none.sequences() == 0);
  CHECK(none.rows() == 0);
}
