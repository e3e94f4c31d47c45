#include "asked_model.hpp"

#include <catch2/catch.hpp>
#include <vlt/optim/initialise.hpp>
#include <vlt/pretrained/choose_training.hpp>

using namespace asked_model;

namespace {

Prompt prompt() { return asked({1, picture, 5, 6, picture, 7, 8}); }

// The likeliest next token by a whole forward pass.
std::int32_t next_token(AnyVlm<P>& model, Threads& threads, Prompt p, const std::vector<std::int32_t>& answer) {
  for (const auto id : answer) p.sample.id.push_back(id), p.sample.label.push_back(-1);
  Segments images;
  images.append(p.tiles(), TokenKind::image);
  const Batch b = model.batch(images, {p.sample}, picture, {}, p.layouts);
  const Buffer<std::byte, under_test> memory(1 << 22);
  std::vector<float> logits(30);
  Arena arena(memory);
  Scope s(arena, threads);
  const auto x = borrow_host<AnyVlm<P>::pixels>(p.pixels.data(), p.tiles(), Index(p.pixels.size()) / p.tiles());
  const auto y = s.temp<AnyVlm<P>::tokens>({b.text.rows(), 16}, b.text);
  model.hidden(s, x, b, y);
  const Index last = y.rows - 1;
  const auto out = borrow_host<AnyLanguage<P>::logits_t>(logits.data(), 1, 30);
  model.language.logits(s, y, std::span<const Index>(&last, 1), out);
  return likeliest(logits);
}

}  // namespace

TEST_CASE("a token at a time gives the tokens of whole forward passes") {
  Threads threads(1);
  AnyVlm<P> model = small_model();
  ParameterStore store(registry_of<P>(model));
  Index different = 0;
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    initialise(store, threads, seed);
    Prompt p = prompt();
    Generator<P> generate(model, threads, picture, {2});
    const auto answer = generate(p, {8, 0, 1, 0}, 0);
    std::vector<std::int32_t> so_far;
    for (const auto id : answer) {
      CHECK(next_token(model, threads, prompt(), so_far) == id);
      different += !so_far.empty() && so_far.back() != id;
      so_far.push_back(id);
    }
    if (answer.size() < 8) CHECK(next_token(model, threads, prompt(), so_far) == 2);
  }
  CHECK(different > 0);
}

TEST_CASE("draws follow the probabilities, and top_p leaves out the unlikely") {
  const std::vector<float> logits{std::log(0.5f), std::log(0.1f), std::log(0.4f)};
  Sampling s;
  s.temperature = 1;
  CHECK(drawn(logits, s, 0.0) == 0);
  CHECK(drawn(logits, s, 0.49) == 0);
  CHECK(drawn(logits, s, 0.51) == 2);
  CHECK(drawn(logits, s, 0.95) == 1);
  s.top_p = 0.8;
  CHECK(drawn(logits, s, 0.99) == 2);
  s.top_p = 1e-9;
  CHECK(drawn(logits, s, 0.99) == 0);
  s.top_p = 1, s.temperature = 100;
  CHECK(drawn(logits, s, 0.99) == 1);
}

TEST_CASE("an answer is greedy and 128 tokens long at most where nobody says otherwise") {
  const Sampling s;
  CHECK((s.max_new_tokens == 128 && s.temperature == 0 && s.top_p == 1 && s.seed == 0));
}
