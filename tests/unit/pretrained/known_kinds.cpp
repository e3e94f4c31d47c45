// What a program knows of kinds by name, and what it says of one that does not fit.
#include <unit/device.hpp>
#include <vlt/pretrained/known_kinds.hpp>
#include <vlt/pretrained/make_language.hpp>
#include <vlt/pretrained/make_projector.hpp>
#include <vlt/pretrained/make_vision.hpp>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

using namespace vlt;

namespace {
using P = Policy<under_test, Precision::f32>;

ProjectorSizes sizes(Index patches, bool class_token) {
  ProjectorSizes c{6, 8, patches, class_token, {}};
  c.vision_block = {.width = 6,
                    .heads = 2,
                    .kv_heads = 2,
                    .head_dim = 3,
                    .mlp = 10,
                    .qkv_bias = true,
                    .output_bias = true,
                    .mlp_bias = true,
                    .rope = {}};
  return c;
}
std::string list_in_cmake(const std::string& name) {
  std::ifstream file(VLT_TEST_DIR "/../CMakeLists.txt");
  std::ostringstream text;
  text << file.rdbuf();
  const std::string all = text.str(), start = "vlt_check_list(" + name + " ";
  const std::size_t at = all.find(start) + start.size();
  return all.substr(at, all.find(')', at) - at);
}
template <class Names> std::string joined(const Names& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : " ") + std::string(name);
  return all;
}
}  // namespace

TEST_CASE("CMake's lists name the kinds of the library, all of them") {
  CHECK(list_in_cmake("VLT_SFT_PROJECTORS") == joined(library_kinds().projector_names()));
  std::vector<std::string> families, masks, all_tunings;
  for (const auto& f : library_kinds().families) families.push_back(f.name);
  for (const MaskKind m : mask_kinds) masks.push_back(name(m));
  for (const Tuning t : tunings) all_tunings.push_back(name(t));
  CHECK(list_in_cmake("VLT_SFT_FAMILIES") == joined(families));
  CHECK(list_in_cmake("VLT_SFT_MASKS") == joined(masks));
  CHECK(list_in_cmake("VLT_SFT_TUNINGS") == joined(all_tunings));
}

TEST_CASE("a kind's facts are those of the projector it makes") {
  for (const bool class_token : {false, true})
    ProjectorKinds::for_each([&]<class K>(std::type_identity<K>) {
      INFO(K::name);
      const ProjectorSizes c = sizes(4, class_token);
      CHECK_FALSE(projector_facts<K>().misfit(c));
      const auto made = make_projector<P, K>(c);  // which compares the tokens
      CHECK(made.width() == 8);
    });
  CHECK(projector_facts<PerceiverKind>().tokens_per_image(sizes(4, true)) == 256);
  CHECK(projector_facts<MlpKind>().tokens_per_image(sizes(4, true)) == 5);
  CHECK(projector_facts<BaselineKind>().tokens_per_image(sizes(4, false)) == 4);
}

TEST_CASE("a projector that says another number of tokens than it gives is refused") {
  struct Liar : BaselineKind {
    static Index tokens_per_image(const ProjectorSizes&) { return 3; }
  };
  CHECK_THROWS_WITH((make_projector<P, Liar>(sizes(4, true))), Catch::Contains("another number of tokens"));
}

TEST_CASE("the perceiver says what it cannot divide or resize") {
  const ProjectorFacts perceiver = projector_facts<PerceiverKind>();
  CHECK(perceiver.misfit(sizes(5, true))->what == "it needs a square grid of patches");
  CHECK(perceiver.misfit(sizes(0, true))->found == "0");
  ProjectorSizes odd = sizes(4, true);
  odd.text_width = 390;
  CHECK(perceiver.misfit(odd)->expected == "a multiple of 4 and of its 3 heads");
  odd.text_width = 388;
  CHECK(perceiver.misfit(odd)->found == "388");
  odd.text_width = 384;
  CHECK_FALSE(perceiver.misfit(odd));
  CHECK(projector_facts<VitKind>().folder_sizes(odd)[1].value == 10);
  CHECK(perceiver.folder_sizes(odd)[0].value == 256);
}

TEST_CASE("a decoder's config.json is read by the family whose model_type it has") {
  std::vector<hub::FamilyFacts> families = library_kinds().families;
  families.push_back({"mine", {"mine", "mine2"}, [](const Json& config) {
                        hub::LlamaConfig c = hub::read_llama_keys(config);
                        c.sizes.block.norm_eps = 7;
                        return c;
                      }});
  const auto read = [&](const char* type) {
    const boost::json::value config{{"model_type", type},       {"hidden_size", 8}, {"intermediate_size", 8},
                                    {"num_attention_heads", 2}, {"vocab_size", 9},  {"num_hidden_layers", 1}};
    return hub::read_decoder_keys(Json(config, "$"), families);
  };
  CHECK(read("mistral").family == "llama");
  CHECK(read("mine2").family == "mine");
  CHECK(read("mine2").model_type == "mine2");
  CHECK(read("mine").sizes.block.norm_eps == 7);
  CHECK_THROWS_WITH(read("gpt2"), Catch::Contains("llama, mistral, qwen2, mine or mine2"));
}
