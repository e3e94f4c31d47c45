#include <vlt/data/labels.hpp>

#include <vlt/data/prompt.hpp>
#include "unit/text/text_samples.hpp"

namespace {

// The learnt ids, one list for each stretch of them.
std::vector<std::vector<std::int32_t>> learnt(const vlt::data::LabelledTokens& l) {
  std::vector<std::vector<std::int32_t>> out;
  for (std::size_t i = 0; i < l.ids.size(); ++i) {
    if (!l.supervised[i]) continue;
    if (i == 0 || !l.supervised[i - 1]) out.emplace_back();
    out.back().push_back(l.ids[i]);
  }
  return out;
}

}  // namespace

TEST_CASE("what is learnt reads as the answers and their ends", "[text]") {
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file(700, GENERATE(false, true)));
  vlt::text::Encoder encoder(tokenizer);
  std::mt19937 random(1);
  for (const auto& name : vlt::data::builtin_template_names) {
    const auto chat = vlt::data::builtin_template(name, {"</s>", "<s>"});
    const vlt::data::Renderer renderer(chat);
    CAPTURE(std::string(name));
    for (int i = 0; i < 600; ++i) {
      const vlt::data::Conversation c = vlt_test::random_conversation(random);
      const vlt::data::Rendered r = renderer(c);
      const vlt::data::LabelledTokens l = vlt::data::label(encoder, r);
      REQUIRE(tokenizer.decode(l.ids) == r.text);
      REQUIRE(l.images.size() == c.images);
      REQUIRE(l.supervised.size() == l.ids.size());
      const auto parts = learnt(l);
      REQUIRE(parts.size() == c.turns.size());
      for (std::size_t k = 0; k < parts.size(); ++k) {
        const std::string read = tokenizer.decode(parts[k]), want = c.turns[k].answer + chat.end;
        REQUIRE(read.ends_with(want));
        // A token may have swallowed the blanks just before the answer, nothing else.
        const std::string swallowed = read.substr(0, read.size() - want.size());
        REQUIRE(swallowed.find_first_not_of(" \n") == swallowed.npos);
        REQUIRE(r.text.substr(0, r.supervised[k].begin).ends_with(swallowed));
      }
      for (const auto& image : l.images) REQUIRE(tokenizer.decode({&l.ids[image.token], 1}) == chat.mark);
    }
  }
}

TEST_CASE("a token is learnt if it shares a byte with an answer, an image is a token of its own", "[text]") {
  using Ranges = std::vector<vlt::text::ByteRange>;
  const Ranges offsets{{0, 2}, {2, 4}, {4, 4}, {4, 6}, {6, 8}, {8, 10}};
  const auto learns = [&](const Ranges& spans) {
    const auto s = vlt::data::supervised_tokens(offsets, spans);
    return std::vector<int>(s.begin(), s.end());
  };
  CHECK(learns({}) == std::vector<int>{0, 0, 0, 0, 0, 0});
  CHECK(learns({{2, 4}}) == std::vector<int>{0, 1, 0, 0, 0, 0});
  CHECK(learns({{3, 7}}) == std::vector<int>{0, 1, 0, 1, 1, 0});
  CHECK(learns({{0, 1}, {5, 6}, {9, 10}}) == std::vector<int>{1, 0, 0, 1, 0, 1});
  CHECK(learns({{6, 7}, {7, 8}}) == std::vector<int>{0, 0, 0, 0, 1, 0});
  const std::vector<vlt::data::ImageMark> marks{{{2, 4}, 1}, {{8, 10}, 0}};
  const auto images = vlt::data::image_positions(offsets, marks);
  REQUIRE(images.size() == 2);
  CHECK((images[0].token == 1 && images[0].image == 1));
  CHECK((images[1].token == 5 && images[1].image == 0));
  CHECK_THROWS(vlt::data::image_positions(offsets, {{{9, 10}, 0}}));
}

TEST_CASE("only the template's own ends are special tokens", "[text]") {
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file());
  vlt::text::Encoder encoder(tokenizer);
  std::mt19937 random(7);
  const auto chat = vlt::data::builtin_template("vicuna", {"</s>", "<s>"});
  const vlt::data::Renderer renderer(chat);
  for (int i = 0; i < 300; ++i) {
    const vlt::data::Conversation c = vlt_test::random_conversation(random);
    const auto ids = vlt::data::label(encoder, renderer(c)).ids;
    REQUIRE(std::size_t(std::count(ids.begin(), ids.end(), tokenizer.id("</s>"))) == c.turns.size());
    REQUIRE(std::count(ids.begin(), ids.end(), tokenizer.id("<s>")) == 0);
    REQUIRE(std::size_t(std::count(ids.begin(), ids.end(), tokenizer.id("<image>"))) == c.images);
  }
}

TEST_CASE("a prompt has the ids that stood before the answer in training", "[text]") {
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file());
  vlt::text::Encoder encoder(tokenizer);
  std::mt19937 random(2);
  for (const auto& name : vlt::data::builtin_template_names) {
    CAPTURE(std::string(name));
    const vlt::data::Renderer renderer(vlt::data::builtin_template(name, {"</s>", "<s>"}));
    for (int i = 0; i < 200; ++i) {
      vlt::data::Conversation c = vlt_test::random_conversation(random);
      c.turns.back().answer = "cat" + c.turns.back().answer;  // an answer begins with a word
      const auto trained = vlt::data::label(encoder, renderer(c));
      const auto prompt = vlt::data::encode_prompt(encoder, renderer.prompt(c));
      std::size_t first = trained.ids.size();  // of the last answer's tokens
      while (first > 0 && !trained.supervised[first - 1]) --first;
      while (first > 0 && trained.supervised[first - 1]) --first;
      REQUIRE(prompt.ids == std::vector<std::int32_t>(trained.ids.begin(), trained.ids.begin() + long(first)));
      REQUIRE(prompt.images.size() == trained.images.size());
      for (std::size_t k = 0; k < prompt.images.size(); ++k) REQUIRE(prompt.images[k].token == trained.images[k].token);
    }
  }
}

TEST_CASE("generation is given what was not learnt, whatever the answer is", "[text]") {
  const bool splits_digits = GENERATE(false, true);
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file(700, splits_digits));
  vlt::text::Encoder encoder(tokenizer);
  std::mt19937 random(3);
  for (const char* name : {"vicuna", "llava", "llava_next", "llama_2"}) {  // a blank stands before their answers
    CAPTURE(name, splits_digits);
    const vlt::data::Renderer renderer(vlt::data::builtin_template(name, {"</s>", "<s>"}));
    for (int i = 0; i < 400; ++i) {
      vlt::data::Conversation c = vlt_test::random_conversation(random);
      for (auto& turn : c.turns)
        if (random() % 2) turn.answer = std::to_string(random() % 100);
      const auto all = vlt::data::label(encoder, renderer(c));
      for (; !c.turns.empty(); c.turns.pop_back()) {  // each answer, as if it were the last
        CAPTURE(c.turns.back().answer);
        c.images = 0;
        for (const auto& turn : c.turns)
          for (auto at = turn.question.find("<image>"); at != std::string::npos;
               at = turn.question.find("<image>", at + 1))
            ++c.images;
        std::size_t first = 0, turns = 0;
        for (; turns < c.turns.size(); ++first)
          turns += all.supervised[first] && (first == 0 || !all.supervised[first - 1]);
        const auto prompt = vlt::data::encode_prompt(encoder, renderer.prompt(c));
        REQUIRE(prompt.ids == std::vector<std::int32_t>(all.ids.begin(), all.ids.begin() + long(first - 1)));
      }
    }
  }
}

TEST_CASE("a blank before an answer is learnt where generation leaves it to the model, only there", "[text]") {
  const auto chat = vlt::data::builtin_template("vicuna", {"</s>", "<s>"});
  const auto spelt = [&](const vlt::text::TokenizerFile& file, const std::string& answer) {
    const vlt::text::Tokenizer tokenizer(file);
    vlt::text::Encoder encoder(tokenizer);
    const auto parts = learnt(
        vlt::data::label(encoder, vlt::data::Renderer(chat)({"", false, {{"How many?", answer}, {"", answer}}, 0})));
    REQUIRE(parts.size() == 2);
    CHECK(tokenizer.decode(parts[0]) == tokenizer.decode(parts[1]));
    return tokenizer.decode({parts[0].data(), 1});  // the first learnt token
  };
  const auto words = vlt_test::small_tokenizer_file(), digits = vlt_test::small_tokenizer_file(700, true);
  CHECK(spelt(words, "A cat") == " A");
  CHECK(spelt(digits, "A cat") == " A");
  CHECK(spelt(digits, "7") == " ");
  const auto bytes = vlt_test::small_tokenizer_file(263, true);  // nothing merges: the prompt keeps its blank
  CHECK(spelt(bytes, "A cat") == "A");
  CHECK(spelt(bytes, "7") == "7");
}

TEST_CASE("a conversation that teaches nothing is refused", "[text]") {
  const vlt::data::Renderer renderer(vlt::data::builtin_template("chatml", {"</s>", "<s>"}));
  const vlt::data::Conversation empty{"", false, {{"a question", ""}}, 0};
  CHECK(vlt_test::complaint_of([&] { renderer(empty); }, vlt::ExitCode::data).code() == "DATA-LABEL-002");
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file());
  vlt::text::Encoder encoder(tokenizer);
  vlt::data::Rendered cut;
  cut.write("only a prompt");
  CHECK(vlt_test::complaint_of([&] { vlt::data::label(encoder, cut); }, vlt::ExitCode::data).code() ==
        "DATA-LABEL-001");
  vlt::data::ChatTemplate silent;
  silent.user = "{image}{text}", silent.end = "</s>";
  const vlt::data::Conversation with_system{"Be brief.", true, {{"q", "a"}}, 0};
  CHECK(vlt_test::complaint_of([&] { vlt::data::Renderer{silent}(with_system); }, vlt::ExitCode::data).code() ==
        "DATA-TEMPLATE-001");
}
