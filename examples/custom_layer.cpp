// A researcher's own attention inside a LLaMA block, by one template argument: written, checked against differences,
// timed, and trained for a few steps; and an MLP whose nonlinearity is an expression of Eigen. Exit code 0 if the
// gradients are right and the loss falls.
#include <cstdio>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/optim/initialise.hpp>
#include <vlt/tensor/as_eigen.hpp>
#include <vlt/testing/bench_layer.hpp>
#include <vlt/testing/grad_check.hpp>
#include <vlt/testing/mixed_batch.hpp>
#include <vlt/train/engine.hpp>
#include <vlt/train/plan.hpp>
using namespace vlt;

// quote: custom
// Attention without scores: every token reads the mean of what its sequence said so far.
template <IsPolicy P> struct CausalMean {
  using in = operand_t<P, space::text>;
  using out = stream_t<P, space::text>;
  struct saved {
    typename Linear<P>::saved v;
    typename Linear<P, in, out>::saved o;
    in mean;
  };

  Linear<P> v_proj;
  Linear<P, in, out> o_proj;
  static constexpr auto fields() {
    return members(member<"v_proj">(&CausalMean::v_proj), member<"o_proj">(&CausalMean::o_proj));
  }

  explicit CausalMean(const BlockSizes& c) : v_proj(c.mlp, c.width, false), o_proj(c.width, c.mlp, false) {}
  Shape out_shape(Shape i) const { return i; }

  // y_t = sum over u <= t of v_u / (t + 1); in backward the transpose: y_u = sum over t >= u of v_t / (t + 1)
  static void mean(Scope& s, in v, in y, bool backward) {
    s.run("causal_mean", ops::element_cost(v, 2, 2), [&] {
      s.threads().ranges(v.cols, 64, [&](Index first, Index end) {
        for (Index q = 0; q < v.segments.sequences(); ++q)
          for (Index c = first; c < end; ++c) {
            const Index rows = v.segments.end(q) - v.segments.begin(q);
            typename P::accum sum = 0;
            for (Index i = 0; i < rows; ++i) {
              const Index t = backward ? rows - 1 - i : i, row = v.segments.begin(q) + t;
              sum += typename P::accum(v(row, c)) / typename P::accum(backward ? t + 1 : 1);
              y(row, c) = typename P::operand(sum / typename P::accum(backward ? 1 : t + 1));
            }
          }
      });
    });
  }
  void forward(Scope& s, in x, out y, saved& k) {
    Frame frame(s);
    auto v = s.temp<in>(v_proj.out_shape(x.shape()), x.segments);
    k.mean = s.keep<in>(v.shape(), x.segments);
    v_proj.forward(s, x, v, k.v);
    mean(s, v, k.mean, false);
    o_proj.forward(s, k.mean, y, k.o);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    auto d_mean = s.temp<in>(k.mean.shape(), dy.segments), dv = s.temp<in>(k.mean.shape(), dy.segments);
    o_proj.backward(s, dy, overwrite(d_mean), k.o);
    mean(s, d_mean, dv, true);
    v_proj.backward(s, dv, dx, k.v);
  }
};
template <IsPolicy P> using MyBlock = LlamaBlock<P, mask::Causal, CausalMean<P>>;
template <IsPolicy P> using MyLlama = LlamaDecoder<P, MyBlock<P>>;
// end of quote

// quote: eigen
// y = down(relu(up(x))^2) (So et al. 2021). Eigen computes in float or double: the stream's type, whatever the
// operands'.
template <IsPolicy P> struct SquaredRelu {
  using in = operand_t<P, space::text>;
  using out = stream_t<P, space::text>;
  using Up = Linear<P, in, out>;
  struct saved {
    typename Up::saved up;
    typename Linear<P, in, out>::saved down;
    out z;  // up(x)
    in h;   // relu(z)^2
  };

  Up up_proj;
  Linear<P, in, out> down_proj;
  static constexpr auto fields() {
    return members(member<"up_proj">(&SquaredRelu::up_proj), member<"down_proj">(&SquaredRelu::down_proj));
  }
  explicit SquaredRelu(const BlockSizes& c) : up_proj(c.mlp, c.width, false), down_proj(c.width, c.mlp, false) {}
  Shape out_shape(Shape i) const { return i; }

  void forward(Scope& s, in x, out y, saved& k) {
    Frame frame(s);
    k.z = s.keep<out>(up_proj.out_shape(x.shape()), x.segments);
    k.h = s.keep<in>(k.z.shape(), x.segments);
    auto square = s.temp<out>(k.z.shape(), x.segments);
    up_proj.forward(s, x, k.z, k.up);
    by_rows(s, square, [&](Index row, Index count) {
      as_eigen(row_range(square, row, count)) = as_eigen(row_range(k.z, row, count)).cwiseMax(0).cwiseAbs2();
    });
    ops::convert(s, square, k.h);
    down_proj.forward(s, k.h, y, k.down);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    auto dh = s.temp<in>(k.h.shape(), dy.segments);
    auto dz = s.temp<out>(k.z.shape(), dy.segments);
    down_proj.backward(s, dy, overwrite(dh), k.down);
    ops::convert(s, dh, dz);
    by_rows(s, dz, [&](Index row, Index count) {
      as_eigen(row_range(dz, row, count)).array() *= 2 * as_eigen(row_range(k.z, row, count)).array().max(0);
    });
    up_proj.backward(s, dz, dx, k.up);
  }

 private:
  // Calls f(row, count) for pieces of m, one for each thread.
  template <class F> static void by_rows(Scope& s, out m, F&& f) {
    s.run("squared_relu", ops::element_cost(m, 2, 2),
          [&] { s.threads().ranges(m.rows, 8, [&](Index begin, Index end) { f(begin, end - begin); }); });
  }
};
// end of quote

// Gradients in double, with everything trainable and with adapters only.
bool check() {
  // quote: check
  using Gold = Policy<Device::cpu, Precision::f64>;
  const Segments batch = testing::mixed_batch();
  const BlockSizes sizes{.width = 8, .heads = 4, .kv_heads = 2, .head_dim = 6, .mlp = 10, .norm_eps = 0.1, .rope = {}};
  MyBlock<Gold> block(sizes);
  const testing::GradReport trained = testing::check_gradients(block, {batch.rows(), 8}, batch);
  std::printf("everything trains: %s\n", trained.text().c_str());
  // end of quote
  MyBlock<Gold::adapted> adapted(sizes);
  attach_adapters(registry_of<Gold>(adapted), {"self_attn"}, 2, 3.0);
  const testing::GradReport tuned = testing::check_gradients(adapted, {batch.rows(), 8}, batch);
  std::printf("adapters only:     %s\n", tuned.text().c_str());
  SquaredRelu<Gold> mlp(sizes);
  const testing::GradReport squared = testing::check_gradients(mlp, {batch.rows(), 8}, batch);
  std::printf("by Eigen:          %s\n", squared.text().c_str());
  return trained.ok() && tuned.ok() && squared.ok();
}

void bench() {
  // quote: bench
  using Half = Policy<Device::cpu, Precision::bf16>;
  MyBlock<Half> block({.width = 256, .heads = 4, .kv_heads = 4, .head_dim = 64, .mlp = 768, .rope = {}});
  const Segments batch = equal_segments(4, 128, TokenKind::text);
  std::printf("one block, 512 tokens, 256 wide, bf16:\n%s",
              testing::bench_layer<Half>(block, {512, 256}, batch).text().c_str());
  // end of quote
  SquaredRelu<Half> mlp({.width = 256, .mlp = 768, .rope = {}});
  std::printf("its MLP by Eigen:\n%s", testing::bench_layer<Half>(mlp, {512, 256}, batch).text().c_str());
}

// A decoder of such blocks learns to count: after 3 4 5 comes 6.
bool train() {
  // quote: train
  using P = Policy<>;
  const LlamaSizes sizes{.vocabulary = 16, .depth = 2, .block = {.width = 32, .mlp = 64, .rope = {}}};
  Vlm<GivenFeatures<P>, BaselineProjector<P>, MyLlama<P>> model{{8}, baseline_projector<P>(8, 32), MyLlama<P>(sizes)};
  Threads threads(2);
  ParameterStore store(registry_of<P>(model));
  initialise(store, threads, 1234);

  std::vector<Sample> samples;
  for (Index first = 0; first < 8; ++first) {
    Sample s;
    for (Index i = 0; i < 6; ++i) s.id.push_back(first + i), s.label.push_back(i == 0 ? -1 : first + i);
    samples.push_back(s);
  }
  const Batch batch = model.batch(equal_segments(0, 1), samples, 15);  // no images
  const Index supervised = Index(batch.targets.row.size());
  Engine engine(model, store, threads, plan_training(model, threads, {}, batch).arena_bytes);
  const std::vector<double> rates(store.registry().params.size(), 0.02);
  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    engine.begin_step(supervised);
    engine.micro_batch({}, batch, true);
    last = engine.finish_step(rates, 1.0).loss;
    if (step == 0) first = last;
  }
  // end of quote
  std::printf("loss of a decoder that learns to count: %.3f at first, %.3f after 60 steps\n", first, last);
  return last < 0.2 * first;
}

int main() {
  const bool right = check();
  bench();
  return train() && right ? 0 : 1;
}
