// Rendered conversations against a table written out by hand (tests/golden/text/make_templates.py).
#include <vlt/data/builtin_templates.hpp>
#include <vlt/data/render.hpp>
#include <vlt/io/file.hpp>
#include <vlt/io/json.hpp>

#include <catch2/catch.hpp>

TEST_CASE("every template renders as its golden text", "[text][golden]") {
  const std::string path = VLT_TEST_DIR "/golden/text/templates.json";
  const auto value = vlt::parse_json(vlt::read_whole_file(path, 1 << 20), path);
  const vlt::Json all(value, "$");
  REQUIRE(all.array().size() == 54);
  for (std::size_t i = 0; i < all.array().size(); ++i) {
    const vlt::Json g = all[i], turns = g.at("turns"), learnt = g.at("learnt");
    vlt::data::Conversation c{
        g.string("system", ""), g.find("system").has_value(), {}, std::size_t(g.at("images").index())};
    for (std::size_t k = 0; k < turns.array().size(); ++k)
      c.turns.push_back({turns[k][0].string(), turns[k][1].string()});
    CAPTURE(g.at("template").string(), g.at("case").string());
    const vlt::data::Renderer renderer(vlt::data::builtin_template(g.at("template").string(), {"</s>", "<s>"}));
    const auto r = renderer(c);
    CHECK(r.text == g.at("text").string());
    CHECK(r.images.size() == c.images);
    REQUIRE(r.supervised.size() == learnt.array().size());
    for (std::size_t k = 0; k < r.supervised.size(); ++k) {
      const auto [begin, end] = r.supervised[k];
      CHECK(r.text.substr(begin, end - begin) == learnt[k].string());
      CHECK(r.turn_ends[k] == end);
    }
    // The prompt is the text up to the last answer.
    CHECK(renderer.prompt(c).text == r.text.substr(0, r.supervised.back().begin));
  }
}
