// The kinds of a program: those of its build, and those that its main adds.
#include <unit/program/small_program.hpp>

using namespace small_program;

namespace {

struct OtherKind {
  static constexpr const char* name = "other";
  template <IsPolicy Q> static BaselineProjector<Q> make(const ProjectorSizes& c) {
    return baseline_projector<Q>(c.vision_width, c.text_width);
  }
};
struct OtherFamily {
  static constexpr const char* name = "others";
  static hub::FamilyFacts facts() { return {name, {"other"}, hub::read_llama_keys}; }
  template <IsPolicy Q, class Mask> using Block = LlamaBlock<Q, Mask>;
};
bool knows(const program::Kinds<Build>& k, const std::string& family) {
  const auto& all = k.known().families;
  return std::any_of(all.begin(), all.end(), [&](const auto& f) { return f.name == family; });
}

}  // namespace

TEST_CASE("a program's kinds are those of its build") {
  const program::Kinds<Build> k;
  const CompiledIn& c = k.compiled();
  CHECK(c.version == "7.8.9");
  CHECK((c.devices == Words{"cpu"} && c.precisions == Words{"fp32"} && c.projectors == Words{"baseline"}));
  CHECK((c.families == Words{"llama"} && c.masks == Words{"causal"} && c.tunings == Words{"trainable"}));
  const ModelKinds<P>& m = k.models<P>();
  CHECK((m.vision.size() == 1 && m.vision.contains(Tuning::trainable)));
  CHECK((m.projector.size() == 1 && m.projector.contains("baseline")));
  CHECK((m.language.size() == 1 && m.language.contains({"llama", MaskKind::causal, Tuning::trainable})));
  CHECK((k.known().projector("vit") && !k.known().projector("other")));  // known, and not compiled in
}

TEST_CASE("a kind that a program adds is known and made like the others") {
  program::Kinds<Build> k;
  k.add_projector<OtherKind>().add_family<OtherFamily>();
  CHECK(k.known().projector("other"));
  CHECK(k.compiled().projectors == Words{"baseline", "other"});
  REQUIRE(std::as_const(k).models<P>().projector.contains("other"));
  const ClipSizes vision = vision_config().sizes;
  CHECK(std::as_const(k).models<P>().projector.at("other")({12, 16, 4, true, vision.block}).width() == 16);
  CHECK(knows(k, "others"));
  CHECK(k.compiled().families == Words{"llama", "others"});
  CHECK(std::as_const(k).models<P>().language.contains({"others", MaskKind::causal, Tuning::trainable}));
  CHECK_THROWS_AS(k.add_projector<OtherKind>(), std::invalid_argument);
  CHECK_THROWS_AS(k.add_projector<BaselineKind>(), std::invalid_argument);
  CHECK_THROWS_AS(k.add_family<OtherFamily>(), std::invalid_argument);
  CHECK_THROWS_AS(k.add_family<LlamaFamily>(), std::invalid_argument);
  CHECK(k.compiled().projectors.size() == 2);
}
