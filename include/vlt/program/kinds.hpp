#pragma once
#include <tuple>
#include <vlt/options/compiled_in.hpp>
#include <vlt/pretrained/known_kinds.hpp>
#include <vlt/pretrained/make_language.hpp>
#include <vlt/pretrained/make_projector.hpp>
#include <vlt/pretrained/make_vision.hpp>

namespace vlt::program {

// The kinds of a program: those that `Build` names, which CMake writes (examples/VLTunePrograms.cmake), and those that
// its main adds. Everything in the program is done with whatever is here: options, plans, training, export, answers.
template <class Build> class Kinds {
 public:
  Kinds() {
    compiled_.version = Build::version;
    Build::policies::for_each([&]<class P>(std::type_identity<P>) {
      note(compiled_.devices, on_host(P::device) ? "cpu" : "cuda");
      note(compiled_.precisions, name(P::precision));
      Build::tunings::for_each([&](auto t) { models<P>().vision[t] = make_vision<with_tuning<P, t>>; });
    });
    Build::tunings::for_each([&](auto t) { note(compiled_.tunings, name(t())); });
    Build::masks::for_each([&](auto m) { note(compiled_.masks, name(m())); });
    Build::projectors::for_each([&]<class K>(std::type_identity<K>) { compile_in_projector<K>(); });
    Build::families::for_each([&]<class F>(std::type_identity<F>) { compile_in_family<F>(); });
  }

  // Adds a kind of projector, a type as models/projector_kind.hpp describes it: it is then a choice of --vis_proj, and
  // the kind in the projector's folder.
  template <class Kind> Kinds& add_projector() {
    require(!known_.projector(Kind::name), std::string("there is a projector called ") + Kind::name + " already");
    known_.projectors.push_back(projector_facts<Kind>());
    compile_in_projector<Kind>();
    return *this;
  }
  // Adds a family of decoders, a type like LlamaFamily (pretrained/families.hpp): folders whose config.json has one of
  // its model_types are made of its blocks, with every mask and tuning of the build.
  template <class Family> Kinds& add_family() {
    for (const hub::FamilyFacts& f : known_.families)
      require(f.name != Family::name, "there is a family called " + f.name + " already");
    known_.families.push_back(Family::facts());
    compile_in_family<Family>();
    return *this;
  }

  const CompiledIn& compiled() const { return compiled_; }
  const KnownKinds& known() const { return known_; }
  template <IsPolicy P> const ModelKinds<P>& models() const { return std::get<ModelKinds<P>>(models_); }

 private:
  template <class> struct ModelsOf;
  template <class... P> struct ModelsOf<TypeList<P...>> { using type = std::tuple<ModelKinds<P>...>; };
  template <class P, Tuning T> using with_tuning = Policy<P::device, P::precision, T>;

  CompiledIn compiled_;
  KnownKinds known_ = library_kinds();
  typename ModelsOf<typename Build::policies>::type models_;

  template <IsPolicy P> ModelKinds<P>& models() { return std::get<ModelKinds<P>>(models_); }
  static void note(Words& list, const std::string& word) {
    if (std::find(list.begin(), list.end(), word) == list.end()) list.push_back(word);
  }
  template <class Kind> void compile_in_projector() {
    note(compiled_.projectors, Kind::name);
    Build::policies::for_each(
        [&]<class P>(std::type_identity<P>) { models<P>().projector[Kind::name] = make_projector<P, Kind>; });
  }
  template <class Family> void compile_in_family() {
    note(compiled_.families, Family::name);
    Build::policies::for_each([&]<class P>(std::type_identity<P>) {
      Build::masks::for_each([&](auto m) {
        Build::tunings::for_each([&](auto t) {
          models<P>().language[{Family::name, m, t}] = make_language<with_tuning<P, t>, Family, m>;
        });
      });
    });
  }
};

}  // namespace vlt::program
