#pragma once
#include <memory>
#include <vlt/models/component.hpp>

namespace vlt {

// Any component that maps In to Out, chosen at run time: one virtual call per component and micro-batch.
// It owns what forward keeps, so one forward may be waiting for its backward at a time.
template <IsPolicy P, class In, class Out> class AnyComponent {
 public:
  using in = In;
  using out = Out;
  struct saved {};
  using element = param_t<typename P::trainable>;  // may train, as far as types can tell

  template <Component C> explicit AnyComponent(C c) : held_(std::make_unique<Holder<C, Interface>>(std::move(c))) {}

  Segments out_segments(const Segments& b) const { return held_->out_segments(b); }
  Index width() const { return held_->width(); }
  void forward(Scope& s, in x, out y, saved&) { held_->forward(s, x, y); }
  void infer(Scope& s, in x, out y) { held_->infer(s, x, y); }
  void backward(Scope& s, out dy, Grad<In> dx, saved&) { held_->backward(s, dy, dx); }
  void backward(Scope& s, out dy, Discard, saved&) { held_->backward(s, dy, Discard{}); }
  void collect(registry_t<P>& r, const std::string& path) { held_->collect(r, path); }

 protected:
  struct Interface {
    virtual ~Interface() = default;
    virtual Segments out_segments(const Segments&) const = 0;
    virtual Index width() const = 0;
    virtual void forward(Scope&, In, Out) = 0;
    virtual void infer(Scope&, In, Out) = 0;
    virtual void backward(Scope&, Out, Grad<In>) = 0;
    virtual void backward(Scope&, Out, Discard) = 0;
    virtual void collect(registry_t<P>&, const std::string&) = 0;
  };
  template <class C, class Base> struct Holder : Base {
    C model;
    typename C::saved kept;
    explicit Holder(C c) : model(std::move(c)) {}
    Segments out_segments(const Segments& b) const override { return model.out_segments(b); }
    Index width() const override { return model.width(); }
    void forward(Scope& s, In x, Out y) override { model.forward(s, x, y, kept); }
    void infer(Scope& s, In x, Out y) override { model.infer(s, x, y); }
    void backward(Scope& s, Out dy, Grad<In> dx) override {
      if constexpr (differentiable_v<typename In::space>) model.backward(s, dy, dx, kept);
    }
    void backward(Scope& s, Out dy, Discard) override {
      if constexpr (may_train_v<C>) model.backward(s, dy, Discard{}, kept);
    }
    void collect(registry_t<P>& r, const std::string& path) override { vlt::collect(model, r, path); }
  };
  explicit AnyComponent(std::unique_ptr<Interface> held) : held_(std::move(held)) {}
  std::unique_ptr<Interface> held_;
};

// Any decoder: AnyComponent with the embedding and the loss.
template <IsPolicy P> class AnyDecoder : public AnyComponent<P, stream_t<P, space::text>, stream_t<P, space::text>> {
 public:
  using in = stream_t<P, space::text>;
  using Base = AnyComponent<P, in, in>;
  template <Decoder D>
  explicit AnyDecoder(D d)
      : Base(std::unique_ptr<typename Base::Interface>(std::make_unique<TextHolder<D>>(std::move(d)))) {}

  void embed(Scope& s, std::span<const Index> id, in x) { text().embed(s, id, x); }
  void embed_backward(Scope& s, std::span<const Index> id, in dx) { text().embed_backward(s, id, dx); }
  void loss(Scope& s, in x, const Targets& t, double scale, double& sum) { text().loss(s, x, t, scale, sum); }
  void loss_and_grad(Scope& s, in x, const Targets& t, double scale, in dx, double& sum) {
    text().loss_and_grad(s, x, t, scale, dx, sum);
  }

 private:
  struct Text : Base::Interface {
    virtual void embed(Scope&, std::span<const Index>, in) = 0;
    virtual void embed_backward(Scope&, std::span<const Index>, in) = 0;
    virtual void loss(Scope&, in, const Targets&, double, double&) = 0;
    virtual void loss_and_grad(Scope&, in, const Targets&, double, in, double&) = 0;
  };
  template <class D> struct TextHolder final : Base::template Holder<D, Text> {
    using Base::template Holder<D, Text>::Holder;
    void embed(Scope& s, std::span<const Index> id, in x) override { this->model.embed(s, id, x); }
    void embed_backward(Scope& s, std::span<const Index> id, in dx) override { this->model.embed_backward(s, id, dx); }
    void loss(Scope& s, in x, const Targets& t, double scale, double& sum) override {
      this->model.loss(s, x, t, scale, sum);
    }
    void loss_and_grad(Scope& s, in x, const Targets& t, double scale, in dx, double& sum) override {
      this->model.loss_and_grad(s, x, t, scale, dx, sum);
    }
  };
  Text& text() { return static_cast<Text&>(*this->held_); }  // what the constructor put there
};

}  // namespace vlt
