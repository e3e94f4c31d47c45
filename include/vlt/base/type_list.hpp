#pragma once
#include <string_view>
#include <type_traits>
#include <vlt/base/fixed_string.hpp>

namespace vlt {

// A list of types, to be walked: for_each calls f(std::type_identity<T>{}) in order.
template <class... T> struct TypeList {
  template <class F> static constexpr void for_each(F&& f) { (f(std::type_identity<T>{}), ...); }
};

// A list of values that are known at compile time: for_each calls f(std::integral_constant<...>{}) in order.
template <auto... V> struct ValueList {
  template <class F> static constexpr void for_each(F&& f) { (f(std::integral_constant<decltype(V), V>{}), ...); }
};

// The type of a list whose `name` this is.
template <fixed_string Name, class List> struct find_named;
template <fixed_string Name, class First, class... Rest>
struct find_named<Name, TypeList<First, Rest...>>
    : std::conditional_t<std::string_view(First::name) == Name.view(), std::type_identity<First>,
                         find_named<Name, TypeList<Rest...>>> {};
template <fixed_string Name> struct find_named<Name, TypeList<>> {
  static_assert(Name.view().empty() && !Name.view().empty(), "vlt: no type of this list has this name");
};
template <fixed_string Name, class List> using type_named = typename find_named<Name, List>::type;

}  // namespace vlt
