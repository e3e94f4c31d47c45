#include <catch2/catch.hpp>
#include <vlt/report/html.hpp>

using namespace vlt;

TEST_CASE("text in a page is no markup and holds no controls") {
  CHECK(report::html_text("a & b < c > d \"e\" 'f'") == "a &amp; b &lt; c &gt; d &quot;e&quot; &#39;f&#39;");
  CHECK(report::html_text("a\n\tb\x1f\x7f\xff c\u00E9") == "a\n\tb\uFFFD\uFFFD\uFFFD c\u00E9");
  CHECK(report::html_element("p", "", "x<br>") == "<p>x<br></p>");
  CHECK(report::html_element("p", "class=\"a\"", "") == "<p class=\"a\"></p>");
}

TEST_CASE("a large image is shown as the means of whole squares of its pixels") {
  image::Image image(5, 3);
  for (int y = 0; y < 3; ++y)
    for (int x = 0; x < 5; ++x)
      for (int c = 0; c < 3; ++c) image.row(y)[3 * x + c] = std::uint8_t(40 * y + 7 * x + c);
  CHECK(report::shrunk(image, 5).pixels == image.pixels);
  CHECK(report::shrunk(image, 99).width == 5);
  const image::Image half = report::shrunk(image, 4);  // twice smaller; the last column and row do not make a square
  REQUIRE(half.width == 2);
  REQUIRE(half.height == 1);
  for (int x = 0; x < 2; ++x)
    for (int c = 0; c < 3; ++c) CHECK(int(half.row(0)[3 * x + c]) == (4 * c + 80 + 4 * 14 * x + 14 + 2) / 4);
  const image::Image small = report::shrunk(image, 1);  // five times smaller: less than a square is left of its height
  REQUIRE(small.width == 1);
  REQUIRE(small.height == 1);
  CHECK(int(small.row(0)[2]) == 56);  // 2 + 40 + 14
  image::Image tall(1, 9);
  for (int y = 0; y < 9; ++y) tall.row(y)[0] = std::uint8_t(y);
  CHECK(report::shrunk(tall, 3).height == 3);
  CHECK(report::shrunk(tall, 3).width == 1);
  CHECK(int(report::shrunk(tall, 3).row(2)[0]) == 7);
}

TEST_CASE("a picture lies inside the page, sharp if it is tiny") {
  const std::string tiny = report::inline_picture(image::Image(111, 3), "a \"b\""),
                    larger = report::inline_picture(image::Image(112, 3), "c");
  CHECK(tiny.find(
            "<img class=\"tiny\" alt=\"a &quot;b&quot;\" width=\"111\" height=\"3\" src=\"data:image/png;base64,") ==
        0);
  CHECK(larger.find("<img alt=\"c\" width=\"112\" height=\"3\"") == 0);
  CHECK(report::inline_picture(image::Image(385, 2), "d").find("width=\"192\" height=\"1\"") != std::string::npos);
  CHECK(report::inline_picture(image::Image(384, 2), "d").find("width=\"384\" height=\"2\"") != std::string::npos);
}
