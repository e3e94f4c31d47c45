#pragma once
#include <concepts>
#include <optional>
#include <string>
#include <vector>
#include <vlt/models/sizes.hpp>

namespace vlt {

// Why something cannot be made in the sizes that are asked for.
struct Misfit {
  std::string what, expected, found;
};

// A number in the config.json of a projector's folder, which tells it from others of its kind.
struct NamedSize {
  std::string key;
  Index value = 0;
};

// What options, folders and plans need to know of a kind of projector: all but its arithmetic.
struct ProjectorFacts {
  std::string name;                                               // of --vis_proj, and of the kind in a folder
  Index (*tokens_per_image)(const ProjectorSizes&);               // that the decoder gets
  std::optional<Misfit> (*misfit)(const ProjectorSizes&);         // nothing: it can be made
  std::vector<NamedSize> (*folder_sizes)(const ProjectorSizes&);  // beside the two widths
};

// A kind of projector is a type with a name and a make<P>(sizes), which gives a component. What it does not say is as
// for a layer that works row by row: as many tokens as the tower gives, in any sizes, with no number of its own.
template <class K> ProjectorFacts projector_facts() {
  static_assert(
      requires { std::string(K::name); },
      "vlt: a kind of projector has a name: 'static constexpr const char* name = \"...\";'");
  return {K::name,
          [](const ProjectorSizes& s) {
            if constexpr (requires { K::tokens_per_image(s); }) return K::tokens_per_image(s);
            else return s.tower_tokens();
          },
          [](const ProjectorSizes& s) -> std::optional<Misfit> {
            if constexpr (requires { K::misfit(s); }) return K::misfit(s);
            else return std::nullopt;
          },
          [](const ProjectorSizes& s) -> std::vector<NamedSize> {
            if constexpr (requires { K::folder_sizes(s); }) return K::folder_sizes(s);
            else return {};
          }};
}

}  // namespace vlt
