#pragma once
#include <exception>
#include <vlt/nn/fields.hpp>
#include <vlt/ops/elementwise.hpp>
#include <vlt/tensor/scope.hpp>

namespace vlt {

// A function of tokens with parameters. Parameter gradients accumulate; dx is overwritten or accumulated as Grad says;
// y, dy and x are left as they were found; memory comes from the Scope only, and elements are touched in Scope::run
// only. Both passes give back all temp memory; backward keeps nothing that forward had not kept.
template <class L> concept Layer = requires {
  typename L::in;
  typename L::out;
  typename L::saved;
  L::fields();
}
&&requires(L& l, const L& c, Scope& s, typename L::in x, typename L::out y, typename L::saved& k) {
  { c.out_shape(x.shape()) } -> std::same_as<Shape>;
  {l.forward(s, x, y, k)};
  {l.backward(s, y, overwrite(x), k)};
  {l.backward(s, y, Discard{}, k)};
};

// One static_assert per clause, so that a mistake is reported as a sentence and not as a failed concept. Each clause is
// a bool, which the compiler quotes in one line, and silent where an earlier one has spoken.
template <class L> struct check_layer {
  static constexpr bool says_what_it_maps = requires {
    typename L::in;
    typename L::out;
  };
  static constexpr bool names_what_it_keeps = requires { typename L::saved; };
  static constexpr bool lists_its_members = requires { L::fields(); };
  static constexpr bool infers_its_shape = requires(const L& l, Shape i) {
    { l.out_shape(i) } -> std::same_as<Shape>;
  };
  static constexpr bool has_types = says_what_it_maps && names_what_it_keeps;
  static constexpr bool has_forward =
      requires(L & l, Scope& s, typename L::in x, typename L::out y, typename L::saved& k) {
    l.forward(s, x, y, k);
  };
  static constexpr bool has_backward =
      requires(L & l, Scope& s, typename L::in x, typename L::out y, typename L::saved& k) {
    l.backward(s, y, overwrite(x), k);
    l.backward(s, y, Discard{}, k);
  };

  static_assert(says_what_it_maps,
                "vlt: a layer must say what it maps: 'using in = operand_t<P, space::...>; using out = ...;'");
  static_assert(!says_what_it_maps || names_what_it_keeps,
                "vlt: a layer must name what forward() keeps for backward(): 'struct saved {...};' (it may be empty)");
  static_assert(!has_types || lists_its_members,
                "vlt: a layer must list its parameters and children: 'static constexpr auto fields() { return "
                "members(...); }'");
  static_assert(!has_types || infers_its_shape,
                "vlt: a layer must infer its output shape: 'Shape out_shape(Shape in) const'");
  static_assert(!has_types || has_forward,
                "vlt: forward() is missing or has the wrong signature; expected 'void forward(Scope&, in x, out y, "
                "saved& k)'");
  static_assert(!has_types || !has_forward || has_backward,
                "vlt: backward() is missing or has the wrong signature; expected 'template <class Dx> void "
                "backward(Scope&, out dy, Dx dx, saved& k)' (Dx is 'Grad<in>' or 'Discard')");
  static constexpr bool ok = true;
};

// A seam between two stages. Its name carries both types into the compiler's "required from" trace.
// Plain bools, not concepts: a failed concept makes the compiler append its own, longer, explanation.
template <class From, class To> struct seam {
  static constexpr bool same_space = std::is_same_v<typename From::out::space, typename To::in::space>;
  static constexpr bool same_type = std::is_same_v<typename From::out, typename To::in>;
  static_assert(same_space,
                "vlt: these two stages do not fit: the first one's output lives in another feature space than the "
                "second one's input. Put a Projector between them.");
  static_assert(!same_space || same_type,
                "vlt: these two stages do not fit: same feature space, but dtype or device differ. Use one Policy for "
                "both, or an input type that converts.");
  static constexpr bool ok = true;
};

// A branch of a residual block must end where it began: in the residual stream.
template <class Branch, class Stream> struct check_branch {
  static_assert(std::is_same_v<typename Branch::out, Stream>,
                "vlt: a branch of a block must end in the residual stream: 'using out = stream_t<P, space::...>;'");
  static constexpr bool ok = true;
};

// A part of a composite, made from the composite's sizes.
template <class Part, class Sizes> Part made_from(const Sizes& sizes) {
  constexpr bool possible = std::is_constructible_v<Part, const Sizes&>;
  static_assert(possible,
                "vlt: a part of a block is made from the block's sizes: 'explicit MyLayer(const BlockSizes&)'");
  if constexpr (possible) return Part(sizes);
  else std::terminate();  // never compiled
}

// Does backward read the layer's input? If not, the composite above need not keep it. Unknown means yes.
template <class L> bool keeps_input(const L& layer) {
  if constexpr (requires { layer.keeps_input(); }) return layer.keeps_input();
  else return true;
}

// y = residual + layer(x): inside the layer's last GEMM where it offers that, as a pass of its own where it does not.
template <class L, class R>
void forward_added(Scope& s, L& layer, typename L::in x, R residual, typename L::out y, typename L::saved& k) {
  if constexpr (requires { layer.forward(s, x, y, k, residual); }) {
    layer.forward(s, x, y, k, residual);
  } else {
    layer.forward(s, x, y, k);
    ops::add(s, residual, y);
  }
}

// forward() without a backward to come: whatever it keeps is released at once. inside: what else forward() asks for.
template <class L, class... Inside>
void infer(Scope& s, L& layer, typename L::in x, typename L::out y, const Inside&... inside) {
  if constexpr (requires { layer.infer(s, x, y, inside...); }) {
    layer.infer(s, x, y, inside...);
  } else {
    const auto mark = s.arena().mark();
    typename L::saved unused;
    layer.forward(s, x, y, unused, inside...);
    s.arena().release_keep(mark);
  }
}

// y = residual + layer(x) without a backward to come.
template <class L, class R> void infer_added(Scope& s, L& layer, typename L::in x, R residual, typename L::out y) {
  const auto mark = s.arena().mark();
  typename L::saved unused;
  forward_added(s, layer, x, residual, y, unused);
  s.arena().release_keep(mark);
}

}  // namespace vlt
