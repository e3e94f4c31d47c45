// What a user's choice of training selects, told by component and role.
#include <unit/device.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/pretrained/choose_training.hpp>

#include <catch2/catch.hpp>

using namespace vlt;

namespace {
using P = Policy<under_test, Precision::f32>;

// A decoder's parameters under names that nobody expects.
struct Foreign {
  param_t<P> wte{Shape{9, 4}, Role::embedding}, dense{Shape{4, 4}, Role::matrix}, out{Shape{9, 4}, Role::head};
  static constexpr auto fields() {
    return members(member<"wte">(&Foreign::wte), member<"dense">(&Foreign::dense), member<"out">(&Foreign::out));
  }
  template <class R> void collect(R& registry, const std::string&) {
    registry.component = ComponentKind::language;
    registry.add(wte, {{"wte", 0, 9}});
    registry.add(dense, {{"dense", 0, 4}});
    registry.add(out, {{"out", 0, 9}});
  }
};

std::string trained(const TrainingChoice& choice) {
  Foreign model;
  std::string names;
  for (const auto& p : choose_training<P>(model, choice).params)
    if (p.trains()) names += p.name() + " ";
  return names;
}
}  // namespace

TEST_CASE("the embedding is chosen by its role, not by its name") {
  CHECK(trained({false, false, true, {}, {}}) == "wte ");
  CHECK(trained({false, true, true, {}, {}}) == "wte dense out ");
  CHECK(trained({false, true, false, {}, {}}) == "dense out ");
}

TEST_CASE("a choice that leaves nothing to train is refused") {
  CHECK_THROWS_WITH(trained({true, false, false, {}, {}}), Catch::Contains("nothing would train"));
}

TEST_CASE("what is asked for trains, what lies under an adapter does not") {
  using Model = Vlm<GivenFeatures<P>, BaselineProjector<P>, LlamaDecoder<P>>;
  const LlamaSizes sizes{.vocabulary = 9,
                         .depth = 2,
                         .block = {.width = 8, .heads = 2, .kv_heads = 1, .head_dim = 4, .mlp = 12, .rope = {}}};
  Model model{{6}, baseline_projector<P>(6, 8), LlamaDecoder<P>(sizes)};
  TrainingChoice choice{false, true, true, {}, {2, 4, {"q_proj", "v_proj"}, {blame_option, "--lang_lora_module_name"}}};
  attach(registry_of<P>(model), ComponentKind::language, choice.language_adapters);
  for (const auto& p : choose_training<P>(model, choice).params) {
    INFO(p.name());
    const auto named = [&](const char* part) { return p.name().find(part) != std::string::npos; };
    CHECK(p.trains() == (p.adapter || !(named("q_proj.weight") || named("v_proj.weight"))));
  }
  choice.language = choice.embedding = false;
  for (const auto& p : choose_training<P>(model, choice).params)
    CHECK(p.trains() == (p.adapter || p.component == ComponentKind::projector));
}

TEST_CASE("adapters that match no layer are refused on the account of who asked for them") {
  LlamaDecoder<P> model(
      LlamaSizes{.vocabulary = 9,
                 .depth = 1,
                 .block = {.width = 8, .heads = 2, .kv_heads = 1, .head_dim = 4, .mlp = 12, .rope = {}}});
  auto registry = registry_of<P>(model);
  for (auto& l : registry.linears) l.component = ComponentKind::language;
  const auto complaint = [&](const Provenance& from, std::vector<std::string> names) {
    try {
      attach(registry, ComponentKind::language, AdapterChoice{2, 4, std::move(names), from});
    } catch (const Error& e) {
      return e.complaint().code() + " " + e.complaint().place() + " " + e.complaint().found();
    }
    return std::string("accepted");
  };
  CHECK(complaint({blame_option, "--lang_lora_module_name"}, {"x_proj"}) ==
        "OPT-LORA-014 --lang_lora_module_name \"x_proj\"");
  CHECK(complaint({blame_model, "out/epoch-1/language_adapter"}, {"x_proj"}) ==
        "MODEL-LORA-014 out/epoch-1/language_adapter \"x_proj\"");
  CHECK(complaint({blame_option, "--lang_lora_module_name"}, {"q_prj", "v_proj", "kproj"}) ==
        "OPT-LORA-014 --lang_lora_module_name \"q_prj,kproj\"");
  CHECK(complaint({blame_option, "--lang_lora_module_name"}, {}) == "OPT-LORA-014 --lang_lora_module_name \"\"");
  CHECK(complaint({blame_model, "folder"}, {"down_proj", "lm_head_of_another"}) == "accepted");
}

TEST_CASE("names beside a folder's adapters must name the same layers") {
  LlamaDecoder<P> model(
      LlamaSizes{.vocabulary = 9,
                 .depth = 1,
                 .block = {.width = 8, .heads = 2, .kv_heads = 1, .head_dim = 4, .mlp = 12, .rope = {}}});
  auto registry = registry_of<P>(model);
  for (auto& l : registry.linears) l.component = ComponentKind::language;
  AdapterChoice folder{2, 4, {"layers.0.self_attn.q_proj", "layers.0.self_attn.v_proj"}, {blame_model, "epoch-0"}};
  const auto complaint = [&](std::vector<std::string> names) {
    folder.repeated = std::move(names);
    try {
      attach(registry, ComponentKind::language, folder);
    } catch (const Error& e) {
      return e.complaint().code() + " " + e.complaint().place() + " " + e.complaint().found();
    }
    return std::string("accepted");
  };
  CHECK(complaint({"q_proj", "v_proj"}) == "accepted");
  CHECK(complaint({}) == "accepted");
  CHECK_THAT(complaint({"q_proj"}), Catch::StartsWith("OPT-CHECKPOINT-019 --lang_lora_module_name not ") &&
                                        Catch::EndsWith("layers.0.self_attn.v_proj"));
  CHECK_THAT(complaint({"_proj"}), Catch::StartsWith("OPT-CHECKPOINT-019 --lang_lora_module_name also "));
}
