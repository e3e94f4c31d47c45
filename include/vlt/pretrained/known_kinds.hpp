#pragma once
#include <vlt/models/projector_kinds.hpp>
#include <vlt/pretrained/families.hpp>

namespace vlt {

// What a program knows by name, whether or not it was compiled in: options, folders and descriptions of models are read
// by this.
struct KnownKinds {
  std::vector<ProjectorFacts> projectors;
  std::vector<hub::FamilyFacts> families;

  std::vector<std::string> projector_names() const {
    std::vector<std::string> names;
    for (const ProjectorFacts& p : projectors) names.push_back(p.name);
    return names;
  }
  // Null: there is none of this name.
  const ProjectorFacts* projector(std::string_view name) const {
    const auto at = std::find_if(projectors.begin(), projectors.end(), [&](const auto& p) { return p.name == name; });
    return at == projectors.end() ? nullptr : &*at;
  }
};

// The kinds of this library, to which a program may add its own.
inline KnownKinds library_kinds() {
  KnownKinds all;
  ProjectorKinds::for_each([&]<class K>(std::type_identity<K>) { all.projectors.push_back(projector_facts<K>()); });
  Families::for_each([&]<class F>(std::type_identity<F>) { all.families.push_back(F::facts()); });
  return all;
}

}  // namespace vlt
