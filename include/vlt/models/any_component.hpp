#pragma once
#include <memory>
#include <vlt/models/component.hpp>
#include <vlt/nn/kv_cache.hpp>

namespace vlt {

// Any component that maps In to Out, chosen at run time: one virtual call per component and micro-batch.
// It owns what forward keeps, so one forward may be waiting for its backward at a time.
template <IsPolicy P, class In, class Out> class AnyComponent {
 public:
  using in = In;
  using out = Out;
  struct saved {};
  using element = param_t<typename P::trainable>;  // may train, as far as types can tell
  using Inside = SegmentsView<P::device>;

  template <Component C> explicit AnyComponent(C c) : held_(std::make_unique<Holder<C, Interface>>(std::move(c))) {}

  Segments out_segments(const Segments& b) const { return held_->out_segments(b); }
  Segments inside_segments(const Segments& b) const { return held_->inside_segments(b); }
  Index width() const { return held_->width(); }
  void forward(Scope& s, in x, out y, saved&, const Inside& inside = {}) { held_->forward(s, x, y, inside); }
  void infer(Scope& s, in x, out y, const Inside& inside = {}) { held_->infer(s, x, y, inside); }
  void backward(Scope& s, out dy, Grad<In> dx, saved&) { held_->backward(s, dy, dx); }
  void backward(Scope& s, out dy, Discard, saved&) { held_->backward(s, dy, Discard{}); }
  void collect(registry_t<P>& r, const std::string& path) { held_->collect(r, path); }
  bool trains() const { return held_->trains(); }

 protected:
  struct Interface {
    virtual ~Interface() = default;
    virtual Segments out_segments(const Segments&) const = 0;
    virtual Segments inside_segments(const Segments&) const = 0;
    virtual Index width() const = 0;
    virtual void forward(Scope&, In, Out, const Inside&) = 0;
    virtual void infer(Scope&, In, Out, const Inside&) = 0;
    virtual void backward(Scope&, Out, Grad<In>) = 0;
    virtual void backward(Scope&, Out, Discard) = 0;
    virtual void collect(registry_t<P>&, const std::string&) = 0;
    virtual bool trains() const = 0;
  };
  template <class C, class Base> struct Holder : Base {
    C model;
    typename C::saved kept;
    explicit Holder(C c) : model(std::move(c)) {}
    Segments out_segments(const Segments& b) const override { return model.out_segments(b); }
    Segments inside_segments(const Segments& b) const override { return vlt::inside_segments(model, b); }
    Index width() const override { return model.width(); }
    void forward(Scope& s, In x, Out y, const Inside& inside) override {
      forward_component(s, model, x, y, kept, inside);
    }
    void infer(Scope& s, In x, Out y, const Inside& inside) override { infer_component(s, model, x, y, inside); }
    void backward(Scope& s, Out dy, Grad<In> dx) override {
      if constexpr (differentiable_v<typename In::space>) model.backward(s, dy, dx, kept);
    }
    void backward(Scope& s, Out dy, Discard) override {
      if constexpr (may_train_v<C>) model.backward(s, dy, Discard{}, kept);
    }
    void collect(registry_t<P>& r, const std::string& path) override { vlt::collect(model, r, path); }
    bool trains() const override { return vlt::trains(model); }
  };
  explicit AnyComponent(std::unique_ptr<Interface> held) : held_(std::move(held)) {}
  std::unique_ptr<Interface> held_;
};

// Any decoder: AnyComponent with the embedding, the loss, and generation where the decoder knows how.
template <IsPolicy P> class AnyDecoder : public AnyComponent<P, stream_t<P, space::text>, stream_t<P, space::text>> {
 public:
  using in = stream_t<P, space::text>;
  using logits_t = Matrix<typename P::accum, P::device>;
  using Cache = KvCache<P>;
  using Indices = IndexView<P::device>;
  using Losses = LossAccumulator<P::device>;
  using Base = AnyComponent<P, in, in>;

  template <Decoder D>
  explicit AnyDecoder(D d)
      : Base(std::unique_ptr<typename Base::Interface>(std::make_unique<TextHolder<D>>(std::move(d)))) {}

  Index vocabulary() const { return text().vocabulary(); }
  void embed(Scope& s, Indices id, in x) { text().embed(s, id, x); }
  void embed_backward(Scope& s, Indices id, in dx) { text().embed_backward(s, id, dx); }
  void loss(Scope& s, in x, const TargetsView<P::device>& t, double scale, Losses& sums) {
    text().loss(s, x, t, scale, sums);
  }
  void loss_and_grad(Scope& s, in x, const TargetsView<P::device>& t, double scale, in dx, Losses& sums) {
    text().loss_and_grad(s, x, t, scale, dx, sums);
  }
  void logits(Scope& s, in x, Indices row, logits_t y) { text().logits(s, x, row, y); }
  // Whether the decoder's blocks have what generation needs; without it make_cache() and extend() throw.
  bool can_generate() const { return text().can_generate(); }
  Cache make_cache(Index capacity) const { return text().make_cache(capacity); }
  void extend(Scope& s, in x, in y, Cache& cache) { text().extend(s, x, y, cache); }

 private:
  struct Text : Base::Interface {
    virtual Index vocabulary() const = 0;
    virtual void embed(Scope&, Indices, in) = 0;
    virtual void embed_backward(Scope&, Indices, in) = 0;
    virtual void loss(Scope&, in, const TargetsView<P::device>&, double, Losses&) = 0;
    virtual void loss_and_grad(Scope&, in, const TargetsView<P::device>&, double, in, Losses&) = 0;
    virtual void logits(Scope&, in, Indices, logits_t) = 0;
    virtual bool can_generate() const = 0;
    virtual Cache make_cache(Index) const = 0;
    virtual void extend(Scope&, in, in, Cache&) = 0;
  };
  template <class D> struct TextHolder final : Base::template Holder<D, Text> {
    using Base::template Holder<D, Text>::Holder;
    Index vocabulary() const override { return this->model.vocabulary(); }
    void embed(Scope& s, Indices id, in x) override { this->model.embed(s, id, x); }
    void embed_backward(Scope& s, Indices id, in dx) override { this->model.embed_backward(s, id, dx); }
    void loss(Scope& s, in x, const TargetsView<P::device>& t, double scale, Losses& sums) override {
      this->model.loss(s, x, t, scale, sums);
    }
    void loss_and_grad(Scope& s, in x, const TargetsView<P::device>& t, double scale, in dx, Losses& sums) override {
      this->model.loss_and_grad(s, x, t, scale, dx, sums);
    }
    void logits(Scope& s, in x, Indices row, logits_t y) override { this->model.logits(s, x, row, y); }
    static constexpr bool generates = requires(D & d, Scope& s, in x, Cache& cache, Index capacity) {
      d.make_cache(capacity);
      d.extend(s, x, x, cache);
    };
    bool can_generate() const override { return generates; }
    Cache make_cache(Index capacity) const override {
      if constexpr (generates) return this->model.make_cache(capacity);
      else throw std::invalid_argument(no_extend);
    }
    void extend(Scope& s, in x, in y, Cache& cache) override {
      if constexpr (generates) this->model.extend(s, x, y, cache);
      else throw std::invalid_argument(no_extend);
    }
    static constexpr const char* no_extend =
        "this decoder's block cannot generate: its attention has no extend(Scope&, in, out, cache) and kv_width()";
  };
  Text& text() const { return static_cast<Text&>(*this->held_); }  // what the constructor put there
};

}  // namespace vlt
