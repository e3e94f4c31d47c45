#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <vlt/base/error.hpp>
#include <vlt/nn/component_kind.hpp>
#include <vlt/nn/fields.hpp>
#include <vlt/tensor/scope.hpp>

namespace vlt {

// A tensor of the checkpoint inside a parameter: rows [row, row + rows) of a matrix; of a vector, elements.
struct Part {
  std::string name;
  Index row, rows;
};

// One parameter of a model, found once by collect(): everything that loads, saves, counts, shards or optimises works on
// these.
template <Precision F, Device D> struct ParamRef {
  using roles = roles_of<F>;
  std::vector<Part> parts;  // its name in the checkpoint, or several when fused
  Weight<typename roles::operand, D>* value = nullptr;
  Matrix<typename roles::grad, D>* grad = nullptr;     // null: frozen by type
  Address<typename roles::accum, D>* exact = nullptr;  // where it is computed in full precision: what for, not `value`
  Choice* choice = nullptr;
  std::uint32_t choices_seen = 0;
  Init init;
  Role role = Role::matrix;
  bool decay = true;  // weight decay applies: to everything but vectors
  bool packable = false, adapter = false;
  ComponentKind component{};
  int unit = -1;

  bool may_train() const { return grad != nullptr; }
  bool trains() const { return may_train() && choice->selected; }
  // The registry is then older than this choice: choose(), below, is the act as a whole.
  void choose(bool on) { choice->make(on); }
  bool current() const { return choice->made == choices_seen; }
  bool one_dimensional() const { return vlt::one_dimensional(role); }
  const std::string& name() const { return parts.front().name; }
  Index first(const Part& part) const { return part.row * (one_dimensional() ? 1 : value->cols); }  // in elements
  Index size(const Part& part) const { return part.rows * (one_dimensional() ? 1 : value->cols); }
};

// A linear layer that can carry an adapter, whatever its type.
struct LinearRef {
  std::string name;
  void* layer;
  int which;  // member of a fused group
  void (*attach)(void* layer, int which, Index rank, double alpha);
  void (*merge)(void* layer, int which, Scope& s);  // folds the adapter, if any, into the base weight
  ComponentKind component{};

  // Does its full name contain one of the substrings?
  bool matches(const std::vector<std::string>& substrings) const {
    return std::any_of(substrings.begin(), substrings.end(),
                       [&](const std::string& part) { return name.find(part) != name.npos; });
  }
};

// The list a model gives of itself. It is made anew after adapters were attached or something was chosen: what is built
// on a list that is not current() refuses it.
template <Precision F, Device D> struct Registry {
  std::vector<ParamRef<F, D>> params;
  std::vector<LinearRef> linears;
  ComponentKind component{};  // of what is added next
  int unit = -1, units = 0;
  std::vector<const int*> unit_ids;  // as the units themselves know them

  // Has nothing been chosen, attached or collected otherwise since this list was made?
  bool current() const {
    for (std::size_t u = 0; u < unit_ids.size(); ++u)
      if (*unit_ids[u] != int(u)) return false;
    return std::all_of(params.begin(), params.end(), [](const auto& p) { return p.current(); });
  }
  void begin_unit(int& id) {
    unit = id = units++;
    unit_ids.push_back(&id);
  }
  template <class P> void add(P& p, std::vector<Part> parts) {
    if (!p.exists()) return;
    ParamRef<F, D> r;
    r.parts = std::move(parts), r.value = &p.value;
    if constexpr (P::may_train) r.grad = &p.grad;
    if constexpr (requires { p.exact; }) r.exact = &p.exact;
    r.choice = &p.choice, r.choices_seen = p.choice.made;
    r.init = p.init, r.role = p.role, r.packable = p.packable, r.adapter = p.role == Role::adapter;
    r.decay = !r.one_dimensional();
    if (r.one_dimensional() && r.parts.size() == 1) r.parts[0].rows = p.value.cols;
    r.component = component, r.unit = unit;
    params.push_back(std::move(r));
  }
  void add(LinearRef linear) {
    linear.component = component;
    linears.push_back(std::move(linear));
  }
};

template <IsPolicy P> using registry_t = Registry<P::precision, P::device>;

// Walks a layer by its fields(). A layer that needs more (a stack, a fused group) has a collect() of its own.
template <class Node, class R> void collect(Node& node, R& registry, const std::string& path) {
  if constexpr (is_param<Node>) registry.add(node, {{path, 0, node.value.rows}});
  else if constexpr (requires { node.collect(registry, path); }) node.collect(registry, path);
  else std::apply([&](auto... m) { (collect(node.*m.ptr, registry, join(path, m.name.view())), ...); }, Node::fields());
}

template <IsPolicy P, class Node> registry_t<P> registry_of(Node& node) {
  registry_t<P> r;
  collect(node, r, "");
  return r;
}

// What choose() is given where nothing is to train.
inline constexpr auto nothing = [](const auto&) { return false; };

// Chooses what trains: collects, asks selects(p) about every parameter whose type may train, and collects again.
template <IsPolicy P, class Node, class Selects> registry_t<P> choose(Node& node, Selects&& selects) {
  auto before = registry_of<P>(node);
  for (auto& p : before.params)
    if (p.may_train()) p.choose(selects(std::as_const(p)));
  return registry_of<P>(node);
}

// Gives every linear layer whose full name contains one of the substrings a rank-r adapter of scale alpha / rank; the
// layer's own weight then does not train, unless it is chosen again. `component` limits the search. Returns
// how many layers matched; none is an error.
template <Precision F, Device D>
int attach_adapters(const Registry<F, D>& registry, const std::vector<std::string>& substrings, Index rank,
                    double alpha, std::optional<ComponentKind> component = std::nullopt) {
  int count = 0;
  std::string some_names;
  for (const LinearRef& l : registry.linears) {
    if (component && l.component != component) continue;
    if (std::count(some_names.begin(), some_names.end(), ',') < 3) some_names += l.name + ", ";
    if (!l.matches(substrings)) continue;
    l.attach(l.layer, l.which, rank, alpha);
    ++count;
  }
  require(count > 0,
          "no linear layer's name contains any of the given substrings; the names look like: " + some_names + "...");
  return count;
}

}  // namespace vlt
