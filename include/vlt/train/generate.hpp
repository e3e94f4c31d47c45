#pragma once
#include <functional>
#include <numeric>
#include <vlt/base/rng.hpp>
#include <vlt/data/prompt.hpp>
#include <vlt/data/sample_builder.hpp>
#include <vlt/dist/lender.hpp>
#include <vlt/dist/world.hpp>
#include <vlt/pretrained/model_kinds.hpp>
#include <vlt/tensor/workspace.hpp>

namespace vlt {

// How the next token is chosen. Temperature 0: the likeliest one. Else at random among the likeliest tokens whose
// probabilities add up to top_p (Holtzman et al. 2020); draws depend on (seed, answer, position) only.
struct Sampling {
  Index max_new_tokens = 128;
  double temperature = 0, top_p = 1;
  std::uint64_t seed = 0;
};

// A question as the model reads it: ids with one image token for each picture, the pixels of the pictures' tiles, and
// what each picture becomes.
struct Prompt {
  Sample sample;
  std::vector<float> pixels;
  std::vector<ImageLayout> layouts;

  Index tiles() const {
    Index n = 0;
    for (const ImageLayout& l : layouts) n += l.tiles;
    return n;
  }
};

// What it takes to generate with weights that ranks share: all of them generate the same, each with what the others
// lend it.
struct RankedWeights {
  dist::Lender* lender = nullptr;  // none: this process has the whole model
  dist::World* world = nullptr;
};

inline std::int32_t likeliest(std::span<const float> logits) {
  return std::int32_t(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// A token drawn by its probability; `uniform` in [0, 1).
inline std::int32_t drawn(std::span<const float> logits, const Sampling& s, double uniform) {
  const double most = *std::max_element(logits.begin(), logits.end());
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return logits[a] > logits[b]; });
  std::vector<double> weight;
  double all = 0, kept = 0;
  for (const auto i : order) weight.push_back(std::exp((logits[i] - most) / s.temperature)), all += weight.back();
  std::size_t n = 0;
  while (n < weight.size() && (n == 0 || kept < s.top_p * all)) kept += weight[n++];
  double left = uniform * kept;
  for (std::size_t i = 0; i < n; ++i)
    if ((left -= weight[i]) < 0) return order[i];
  return order[n - 1];
}

// Writes answers, a token at a time: the prompt is read once, then each token extends the cache of keys and values.
template <IsPolicy P> class Generator {
 public:
  using Model = AnyVlm<P>;
  using tokens = typename Model::tokens;
  using Memory = Workspace<P::device>;

  // ends: the tokens that close an answer; they are not part of it. lender: whose memory is free during an answer.
  Generator(Model& model, Threads& threads, Index image_id, std::vector<std::int32_t> ends,
            const Memory* lender = nullptr, RankedWeights weights = {})
      : model_(model), image_id_(image_id), ends_(std::move(ends)), memory_(threads, lender), weights_(weights) {}

  // Collective where ranks share the weights. emit(id) hears of each token as it is made; `number` names the answer for
  // its random draws.
  std::vector<std::int32_t> operator()(Prompt& prompt, const Sampling& sampling, std::uint64_t number,
                                       const std::function<void(std::int32_t)>& emit = {}) {
    Segments images;
    images.append(prompt.tiles(), TokenKind::image);
    const Batch batch = model_.batch(std::move(images), {prompt.sample}, image_id_, {}, prompt.layouts);
    auto cache = model_.language.make_cache(batch.text.rows() + sampling.max_new_tokens);
    logits_.resize(std::size_t(model_.language.vocabulary()));
    prefill(prompt, batch, cache);
    std::vector<std::int32_t> answer;
    const RandomStream random{sampling.seed, number};
    for (Index i = 0; i < sampling.max_new_tokens; ++i) {
      std::int32_t id =
          sampling.temperature > 0 ? drawn(logits_, sampling, random.uniform(std::uint64_t(i))) : likeliest(logits_);
      if (weights_.world) weights_.world->broadcast(std::span(&id, 1));  // machines may round differently
      if (std::find(ends_.begin(), ends_.end(), id) != ends_.end()) break;
      answer.push_back(id);
      if (emit) emit(id);
      if (i + 1 < sampling.max_new_tokens) extend_by(id, cache);
    }
    return answer;
  }

 private:
  using Cache = KvCache<P>;
  Model& model_;
  Index image_id_;
  std::vector<std::int32_t> ends_;
  Memory memory_;
  RankedWeights weights_;
  std::vector<float> logits_;  // of the token to come

  template <class Pass> void carry_out(Pass&& pass) {
    if (weights_.lender) memory_.run(pass, *weights_.lender);
    else memory_.run(pass);
  }

  // Reads the prompt.
  void prefill(Prompt& prompt, const Batch& batch, Cache& cache) {
    const Index tiles = prompt.tiles(), floats = tiles > 0 ? Index(prompt.pixels.size()) / tiles : 0;
    const auto x = borrow_host<typename Model::host_pixels>(prompt.pixels.data(), tiles, floats);
    const auto rows = cache.append(batch.text);
    carry_out([&](Scope& s) { extend(s, rows, cache, [&](tokens h) { model_.embed_prompt(s, x, batch, h); }); });
  }
  // Reads one more token.
  void extend_by(Index id, Cache& cache) {
    Segments next;
    next.append({TokenKind::text}, cache.length());
    const auto rows = cache.append(next);
    carry_out([&](Scope& s) {
      extend(s, rows, cache, [&](tokens h) {
        Frame frame(s);
        model_.language.embed(s, upload<P::device>(s, std::vector<Index>{id}), h);
      });
    });
  }
  // The cache's next rows, embedded by embed(h), and the logits of the last one.
  template <class Embed> void extend(Scope& s, const SegmentsView<P::device>& rows, Cache& cache, Embed&& embed) {
    Frame frame(s);
    auto h = s.temp<tokens>({rows.rows(), model_.language.width()}, rows), y = s.temp<tokens>(h.shape(), rows);
    embed(h);
    model_.language.extend(s, h, y, cache);
    const std::vector<Index> last{rows.rows() - 1};
    logits_of(s, y, upload<P::device>(s, last));
  }
  void logits_of(Scope& s, tokens y, IndexView<P::device> row) {
    const auto logits = s.temp<typename AnyLanguage<P>::logits_t>({row.size(), model_.language.vocabulary()});
    model_.language.logits(s, y, row, logits);
    download(s, logits, logits_);
    if (!std::all_of(logits_.begin(), logits_.end(), [](float x) { return std::isfinite(x); })) refuse();
  }
  [[noreturn]] static void refuse() {
    throw Error(ExitCode::numeric, Complaint("NUM-LOGITS-004", "the model's logits are not finite")
                                       .at("the token to come")
                                       .expected("finite numbers")
                                       .found("NaN or infinity")
                                       .help("weights or adapters are too large or damaged: use others"));
  }
};

// Token by token to text: gives out what can no longer change.
class AnswerText {
 public:
  explicit AnswerText(const text::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  // What one more token adds; empty while a character is not complete.
  std::string add(std::int32_t id) {
    if (std::size_t(id) < tokenizer_.size())
      ids_.push_back(id);  // an embedding's rows beyond the tokenizer say nothing
    const std::string all = tokenizer_.decode(ids_, true);
    if (all.ends_with("\xef\xbf\xbd")) return {};
    std::string more = all.substr(std::min(given_, all.size()));
    given_ = all.size();
    return more;
  }
  // What add() still held back: a character that stayed incomplete.
  std::string rest() {
    const std::string all = text();
    return all.substr(std::min(std::exchange(given_, all.size()), all.size()));
  }
  std::string text() const { return tokenizer_.decode(ids_, true); }

 private:
  const text::Tokenizer& tokenizer_;
  std::vector<std::int32_t> ids_;
  std::size_t given_ = 0;
};

}  // namespace vlt
