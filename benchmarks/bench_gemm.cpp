// Products as training makes them: y = x W^T, dx = dy W, dW += dy^T x, with W row-major or packed.
#include <vlt/cpu/panels.hpp>
#include <vlt/tensor/matrix.hpp>
#include "cases.hpp"

namespace {
using namespace vlt;

struct Sizes {
  Index tokens, out, in;
};
constexpr Sizes shapes[] = {{512, 576, 576},    {512, 1536, 576},  {512, 576, 1536},  {256, 2048, 2048},
                            {2048, 2048, 2048}, {512, 5632, 2048}, {256, 49152, 576}, {256, 32000, 2048}};

enum class Kind { y, dx, dw, y_packed, dx_packed };
constexpr const char* kind_names[] = {"y", "dx", "dW", "y_packed", "dx_packed"};

// One product with its operands.
template <class T> class ProductCase : public bench::Case {
 public:
  ProductCase(Sizes s, Kind kind) : stopwatch_(bench::team()), into_gradient_(kind == Kind::dw) {
    const bool backward = kind == Kind::dx || kind == Kind::dx_packed;
    flops = 2 * double(s.tokens) * double(s.out) * double(s.in);
    if (kind == Kind::dw) {
      a_ = bench::numbers<T>(s.tokens * s.out), b_ = bench::numbers<T>(s.tokens * s.in);
      gradient_ = bench::Memory<float>(s.out * s.in);
      set(gradient_product_, gradient_, {s.out, s.in, s.tokens}, {a_.data(), 1, s.out}, {b_.data(), 1, s.in});
      gradient_product_.store.beta = 1;
      return;
    }
    const Index n = backward ? s.in : s.out, k = backward ? s.out : s.in;
    a_ = bench::numbers<T>(s.tokens * k), b_ = bench::numbers<T>(s.out * s.in), c_ = bench::Memory<T>(s.tokens * n);
    const cpu::Source<T> weight{b_.data(), backward ? 1 : s.in, backward ? s.in : 1};
    set(product_, c_, {s.tokens, n, k}, {a_.data(), k, 1}, weight);
    if (kind == Kind::y_packed || kind == Kind::dx_packed) pack(s, backward);
  }
  bench::Elapsed run() override { return into_gradient_ ? multiply(gradient_product_) : multiply(product_); }

 private:
  struct Extent {
    Index m, n, k;
  };
  template <class C>
  void set(cpu::Product<T, C>& p, bench::Memory<C>& c, Extent e, cpu::Source<T> a, cpu::Source<T> b) {
    p.m = e.m, p.n = e.n, p.k = e.k, p.a = a, p.b = b;
    p.store.c = c.data(), p.store.c_stride = e.n;
    work_ = bench::Memory<std::byte>(cpu::work_bytes<Device::cpu, T>(e.m, e.n, e.k, bench::team().count()));
    bytes = double(sizeof(T)) * (double(e.m) * double(e.k) + double(e.k) * double(e.n)) +
            double(sizeof(C)) * double(e.m) * double(e.n) * (into_gradient_ ? 2 : 1);
  }
  void pack(Sizes s, bool backward) {
    const Matrix<const T, Device::cpu> w{b_.address(), s.out, s.in, s.in};
    const Index size =
        backward ? cpu::panel_bytes<T, Device::cpu>(s.in, s.out) : cpu::panel_bytes<T, Device::cpu>(s.out, s.in);
    panels_ = bench::Memory<T>(size / Index(sizeof(T)));
    if (backward) cpu::pack_backward<T, Device::cpu>(w, panels_.data(), 0, s.out);
    else cpu::pack_forward<T, Device::cpu>(w, panels_.data(), 0, s.out);
    product_.b = {}, product_.panels = reinterpret_cast<const cpu::Unit*>(panels_.data());
  }
  template <class C> bench::Elapsed multiply(const cpu::Product<T, C>& p) {
    return stopwatch_.time([&] { cpu::multiply<Device::cpu>(p, bench::team(), work_.data()); });
  }

  testing::Stopwatch stopwatch_;
  bool into_gradient_;
  bench::Memory<T> a_, b_, c_, panels_;
  bench::Memory<float> gradient_;
  bench::Memory<std::byte> work_;
  cpu::Product<T, T> product_;
  cpu::Product<T, float> gradient_product_;
};

template <class T> void add_all() {
  for (const Sizes& s : shapes)
    for (Kind kind : {Kind::y, Kind::dx, Kind::dw, Kind::y_packed, Kind::dx_packed})
      bench::add<T>("gemm/" + std::string(bench::type_name<T>) + "/" + std::to_string(s.tokens) + "x" +
                        std::to_string(s.out) + "x" + std::to_string(s.in) + "/" + kind_names[int(kind)],
                    [=] { return std::make_unique<ProductCase<T>>(s, kind); });
}
}  // namespace

int main(int argc, char** argv) {
  add_all<bf16>(), add_all<float>();
  return bench::run(argc, argv);
}
