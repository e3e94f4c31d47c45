#include <vlt/base/rng.hpp>

#include <catch2/catch.hpp>
#include <set>

using namespace vlt;

// The known answers that come with Random123, the authors' own library.
TEST_CASE("philox gives the published words", "[golden]") {
  using Four = std::array<std::uint32_t, 4>;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Four{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t all = 0xffffffff;
  CHECK(philox({all, all, all, all}, {all, all}) == Four{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Four{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("numbers are made of the words of their seed, stream and index") {
  const RandomStream named{0x299f31d0a4093822, 0x0370734413198a2e};
  CHECK(named.words(0x85a308d3243f6a88) ==
        std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  const RandomStream zero;  // its words 0 begin with 6627e8d5 and e169c58d
  CHECK(zero.uniform(0) == double(0x6627e8d5e169c58d >> 11) * 0x1p-53);
  CHECK(zero.below(0, std::uint64_t(1) << 63) == 0x6627e8d5e169c58d >> 1);
  CHECK(zero.below(0, 1000) == 399);
  const double radius = std::sqrt(-2 * std::log((double(0x6627e8d5) + 0.5) / 0x1p32));
  CHECK(zero.normal(0) ==
        Approx(radius * std::cos(2 * std::numbers::pi * (double(0xe169c58d) + 0.5) / 0x1p32)).epsilon(1e-14));
}

TEST_CASE("random numbers have the moments of their distributions", "[base]") {
  const RandomStream random{1234, stream_of("a name")};
  const int n = 100000;
  double mean = 0, square = 0, fourth = 0, uniform_mean = 0, uniform_square = 0;
  std::array<int, 7> count{};
  for (int i = 0; i < n; ++i) {
    const double x = random.normal(i), u = random.uniform(i);
    REQUIRE((u >= 0 && u < 1));
    mean += x / n, square += x * x / n, fourth += x * x * x * x / n;
    uniform_mean += u / n, uniform_square += u * u / n;
    ++count[random.below(i, 7)];
  }
  CHECK(std::abs(mean) < 0.015);
  CHECK(std::abs(square - 1) < 0.02);
  CHECK(std::abs(fourth - 3) < 0.15);
  CHECK(std::abs(uniform_mean - 0.5) < 0.005);
  CHECK(std::abs(uniform_square - 1.0 / 3) < 0.005);
  for (int c : count) CHECK(std::abs(c - n / 7) < 500);
}

TEST_CASE("seed, stream and index each give other numbers", "[base]") {
  std::set<double> seen;
  for (std::uint64_t seed : {0, 1})
    for (std::uint64_t stream : {std::uint64_t(0), std::uint64_t(1), std::uint64_t(1) << 32, stream_of("q_proj")})
      for (std::uint64_t i : {std::uint64_t(0), std::uint64_t(1), std::uint64_t(1) << 32})
        seen.insert(RandomStream{seed, stream}.uniform(i));
  CHECK(seen.size() == 2 * 4 * 3);
  CHECK(stream_of("") == 0xcbf29ce484222325);
  CHECK(stream_of("a") == 0xaf63dc4c8601ec8c);
}
