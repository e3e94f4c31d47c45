// Our copy of stb_image stands beside a program's own; its memory is bounded and given back.
#ifdef VLT_HAVE_STB
#include <stb_image.h>  // the program's
// and ours
#include <vlt/image/stb_library.hpp>
// and, once more, the program's
#include <stb_image.h>

#include <algorithm>
#include <catch2/catch.hpp>

using namespace vlt;

#if defined(STBI_MALLOC) || defined(STBI_MAX_DIMENSIONS) || defined(STBI_ONLY_PNG) || defined(STB_IMAGE_STATIC)
#error "a setting of our copy reaches the program's"
#endif
static_assert(sizeof(::stbi_io_callbacks) == sizeof(image::stb::stbi_io_callbacks));

TEST_CASE("a budget counts what is held, and its blocks are zero") {
  image::stb::Budget budget{100, false};
  auto* a = static_cast<unsigned char*>(budget.allocate(60));
  REQUIRE(a != nullptr);
  CHECK(std::count(a, a + 60, 0) == 60);
  CHECK(budget.left == 40);
  CHECK(budget.allocate(41) == nullptr);
  CHECK(budget.refused);
  a[59] = 7;
  CHECK(budget.resize(a, 60, 41) == nullptr);  // both are held for a moment
  budget.left += 100;
  auto* b = static_cast<unsigned char*>(budget.resize(a, 60, 80));
  CHECK(b[59] == 7);
  CHECK(b[60] == 0);
  CHECK(budget.left == 120);
  budget.release(b), budget.release(nullptr);
  CHECK(budget.left == 200);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which end a program that asks for so much
TEST_CASE("memory that is not there is an exception, whatever the budget") {
  image::stb::Budget budget{SIZE_MAX, false};
  volatile std::size_t beyond = SIZE_MAX / 2;  // that no compiler knows and warns of
  CHECK_THROWS_AS(budget.allocate(beyond), std::bad_alloc);
  CHECK(budget.left == SIZE_MAX);
}
#endif
#endif
