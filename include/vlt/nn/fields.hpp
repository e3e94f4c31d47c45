#pragma once
#include <string>
#include <tuple>
#include <vlt/base/fixed_string.hpp>
#include <vlt/nn/param.hpp>

namespace vlt {

// One entry of a layer's list of parameters and children: its name in the checkpoint, and where it is.
template <fixed_string Name, class Owner, class M> struct Member {
  M Owner::*ptr;
  using type = M;
  static constexpr auto name = Name;
};
template <fixed_string Name, class Owner, class M> constexpr Member<Name, Owner, M> member(M Owner::*p) { return {p}; }
template <class... M> constexpr std::tuple<M...> members(M... m) { return {m...}; }

// An empty name is transparent: the children appear as if they were the parent's.
inline std::string join(const std::string& path, std::string_view name) {
  return path.empty() || name.empty() ? path + std::string(name) : path + "." + std::string(name);
}

// Can anything in T get a gradient? A wrapper (Stack, Unit, Checkpoint) answers for its `element`.
template <class T> constexpr bool may_train() {
  if constexpr (is_param<T>) return T::may_train;
  else if constexpr (requires { typename T::element; }) return may_train<typename T::element>();
  else return std::apply([](auto... m) { return (may_train<typename decltype(m)::type>() || ...); }, T::fields());
}
template <class T> inline constexpr bool may_train_v = may_train<T>();

// Does one of its parameters train, as things are chosen now? A layer with a collect() of its own has a trains() too.
template <class T> bool trains([[maybe_unused]] const T& node) {
  if constexpr (!may_train_v<T>) return false;
  else if constexpr (requires { node.trains(); }) return node.trains();
  else return std::apply([&](auto... m) { return (vlt::trains(node.*m.ptr) || ...); }, T::fields());
}

}  // namespace vlt
