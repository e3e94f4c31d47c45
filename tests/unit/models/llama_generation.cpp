// Generation: a spliced prompt, then one token at a time, gives the logits of the whole sequence at once.
#include <catch2/catch.hpp>
#include <vlt/models/any_component.hpp>
#include "small_model.hpp"
using namespace vlt;

namespace {

using Tokens = stream_t<Gold, space::text>;
using Logits = Matrix<double, under_test>;

Tokens view(std::vector<double>& v, const Segments& b) {
  Tokens t = borrow_host<Tokens>(v.data(), b.rows(), 8);
  t.segments = b;
  return t;
}

// Logits of the last row of ids (an image among them): all at once, or the prompt first and then token by token.
template <class Model> std::vector<double> logits(Model& model, const std::vector<Index>& ids, std::size_t prompt) {
  std::vector<double> y(11);
  const Buffer<std::byte, under_test> scratch(480000);
  Threads threads;
  Arena a(scratch);
  Scope s(a, threads);
  Pictures pictures(1);
  Sample sample{{ids.begin(), ids.begin() + prompt}, std::vector<Index>(prompt, -1)};
  const Batch b = model.batch(equal_segments(1, 1), {sample}, image_id);
  std::vector<double> h(std::size_t(b.text.rows() * 8)), out(h.size());
  auto cache = model.language.make_cache(b.text.rows() + Index(ids.size() - prompt));
  model.embed_prompt(s, pictures.template view<typename Model::pixels>(), b, view(h, b.text));
  cache.append(b.text);
  model.language.extend(s, view(h, b.text), view(out, b.text), cache);
  Index last = b.text.rows() - 1;
  for (std::size_t i = prompt; i < ids.size(); ++i) {
    Segments one;
    one.append({TokenKind::text}, cache.length());
    model.language.embed(s, std::span(ids).subspan(i, 1), view(h, one));
    cache.append(one);
    model.language.extend(s, view(h, one), view(out, one), cache);
    last = 0;
  }
  model.language.logits(s, view(out, b.text), std::span(&last, 1), borrow_host<Logits>(y.data(), 1, 11));
  return y;
}

// The same from Vlm::hidden, without a cache.
template <class Model> std::vector<double> logits_at_once(Model& model, const std::vector<Index>& ids) {
  std::vector<double> y(11);
  const Buffer<std::byte, under_test> scratch(480000);
  Threads threads;
  Arena a(scratch);
  Scope s(a, threads);
  Pictures pictures(1);
  const Batch b = model.batch(equal_segments(1, 1), {{ids, std::vector<Index>(ids.size(), -1)}}, image_id);
  std::vector<double> out(std::size_t(b.text.rows() * 8));
  model.hidden(s, pictures.template view<typename Model::pixels>(), b, view(out, b.text));
  const Index last = b.text.rows() - 1;
  model.language.logits(s, view(out, b.text), std::span(&last, 1), borrow_host<Logits>(y.data(), 1, 11));
  return y;
}

template <class Model> void same_logits(Model& model) {
  const std::vector<Index> ids{1, 10, 4, 5, 6, 2, 7};
  const auto want = logits_at_once(model, ids);
  for (std::size_t prompt : {7, 4, 2}) {
    const auto got = logits(model, ids, prompt);
    for (std::size_t c = 0; c < 11; ++c) CHECK(got[c] == Approx(want[c]).margin(1e-12));
  }
}

template <class Decoder> void check(bool tied) {
  auto model = small_model<ClipVit<Gold::frozen>, Decoder>(small_tower(), tied);
  auto registry = registry_of<Gold>(model);
  testing::LooseParameters memory(registry, 7);
  same_logits(model);
  Vlm<ClipVit<Gold::frozen>, BaselineProjector<Gold>, AnyDecoder<Gold>> erased{model.vision, model.projector,
                                                                               AnyDecoder<Gold>(model.language)};
  CHECK(erased.language.vocabulary() == 11);
  same_logits(erased);
}

// A block that can train and cannot generate.
struct Forgetful {
  using in = Tokens;
  using out = Tokens;
  struct saved {};
  static constexpr auto fields() { return members(); }
  explicit Forgetful(const BlockSizes&) {}
  Shape out_shape(Shape i) const { return i; }
  void forward(Scope& s, in x, out y, saved&) { ops::convert(s, x, y); }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved&) {
    if constexpr (wanted<Dx>) ops::convert(s, dy, dx.m);
  }
};

}  // namespace

TEST_CASE("generation, causal") { check<LlamaDecoder<Gold::frozen>>(false); }
TEST_CASE("generation, mmca, tied") { check<LlamaDecoder<Gold, LlamaBlock<Gold, mask::Mmca>>>(true); }

TEST_CASE("a block that cannot generate says so") {
  AnyDecoder<Gold> decoder{LlamaDecoder<Gold, Forgetful>(small_decoder())};
  CHECK_FALSE(decoder.can_generate());
  CHECK(AnyDecoder<Gold>(LlamaDecoder<Gold>(small_decoder())).can_generate());
  CHECK_THROWS_WITH(decoder.make_cache(4), Catch::Contains("extend"));
}
