#include <vlt/data/conversation.hpp>

#include "unit/text/text_samples.hpp"

namespace {

// "slot|text", images inside the text in braces.
std::string shape(const std::string& text) {
  const auto p = vlt::data::place_images(text, 0);
  std::string s;
  for (const auto i : p.slot) s += std::to_string(i);
  s += "|";
  for (std::size_t i = 0; i < p.parts.size(); ++i)
    s += (i > 0 ? "{" + std::to_string(p.inside[i - 1]) + "}" : "") + p.parts[i];
  return s;
}

}  // namespace

TEST_CASE("image marks at the edges go to the slot, with their newlines", "[text]") {
  CHECK(shape("<image>\nHi") == "0|Hi");
  CHECK(shape("Hi\n<image>") == "0|Hi");
  CHECK(shape("\n<image>\n\n<image>\nHi <image> there\n\n<image>\n") == "013|Hi {2} there");
  CHECK(shape("<image>") == "0|");
  CHECK(shape("<image><image>") == "01|");
}

TEST_CASE("a question without marks at its edges keeps every byte", "[text]") {
  CHECK(shape("\n Hi \n") == "|\n Hi \n");
  CHECK(shape("a <image> b\n") == "|a {0} b\n");
  CHECK(shape("") == "|");
}

TEST_CASE("images without marks may belong to any turn", "[text]") {
  vlt::data::Conversation c{"", false, {{"<image>one", "x"}, {"\ntwo", "y", 2}, {"a <image> b", "z"}}, 4};
  const auto placed = vlt::data::place_images(c);
  CHECK(placed[0].slot == std::vector<std::size_t>{0});
  CHECK(placed[1].slot == std::vector<std::size_t>{1, 2});
  CHECK(placed[1].parts == std::vector<std::string>{"\ntwo"});
  CHECK(placed[2].inside == std::vector<std::size_t>{3});
  CHECK(vlt::data::unmarked_images(c) == 0);
  c.turns = {{"one", "x"}};
  CHECK(vlt::data::unmarked_images(c) == 4);
}

TEST_CASE("marks and images are equally many, or there are no marks", "[text]") {
  vlt::data::Conversation c{"", false, {{"one", "x"}, {"two", "y"}}, 2};
  CHECK(vlt::data::place_images(c)[0].slot.size() == 2);
  c.turns[1].question = "<image>two";
  for (const std::size_t images : {0, 2}) {
    c.images = images;
    const auto complaint = vlt_test::complaint_of([&] { vlt::data::place_images(c); }, vlt::ExitCode::data);
    CHECK(complaint.code() == "DATA-IMG-004");
    CHECK(complaint.found() == "1 marks");
    CHECK(complaint.expected().find(std::to_string(images) + " images") != std::string::npos);
  }
  c.images = 1;
  CHECK(vlt::data::place_images(c)[1].slot == std::vector<std::size_t>{0});
}
