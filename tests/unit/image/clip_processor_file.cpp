// preprocessor_config.json: both spellings of its keys are read, steps that would change pixels are refused by name.
#include <unit/io/temporary_folder.hpp>
#include <vlt/image/clip_processor_file.hpp>

using namespace vlt;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

image::ClipProcessorFile parse(const std::string& text) { return image::parse_clip_processor(text, "p.json"); }
template <class... Words> void bad(const std::string& text, const Words&... words) {
  refused([&] { parse(text); }, ExitCode::model, "MODEL-JSON-004", words...);
}

}  // namespace

TEST_CASE("sizes are integers or objects, nested or not") {
  const auto v4 = parse(R"({"size":336,"crop_size":336,"do_center_crop":true,"resample":3,)"
                        R"("image_mean":[0.5,0.25,1],"image_std":[1,2,3]})");
  CHECK(v4.shortest_edge == 336);
  CHECK(v4.crop == 336);
  CHECK(v4.mean == std::array{0.5, 0.25, 1.0});
  CHECK(v4.std == std::array{1.0, 2.0, 3.0});
  const auto v5 = parse(R"({"image_processor":{"size":{"shortest_edge":448},"crop_size":{"height":400,"width":400}}})");
  CHECK(v5.shortest_edge == 448);
  CHECK(v5.crop == 400);
  CHECK(v5.rescale_factor == 1 / 255.0);
  const auto silent = parse("{}");
  CHECK((silent.shortest_edge == 224 && silent.crop == 224 && silent.grid.empty()));
  CHECK(silent.mean == std::array{0.48145466, 0.4578275, 0.40821073});
  CHECK(silent.std == std::array{0.26862954, 0.26130258, 0.27577711});
  CHECK(parse(R"({"rescale_factor":0.5})").rescale_factor == 0.5);
  CHECK(parse(R"({"size":{"shortest_edge":300,"longest_edge":null}})").shortest_edge == 300);
  CHECK(parse(R"({"size":1,"crop_size":1})").crop == 1);
  CHECK(parse(R"({"size":4096})").shortest_edge == 4096);
  CHECK_NOTHROW(parse(R"({"do_pad":false,"do_resize":true})"));
  const std::vector<std::array<int, 2>> grid{{256, 8192}, {512, 256}};
  CHECK(parse(R"({"size":256,"crop_size":256,"image_grid_pinpoints":[[256,8192],[512,256]]})").grid == grid);
  CHECK(
      parse(R"({"size":336,"crop_size":336,"do_pad":true,"image_grid_pinpoints":[[336,672],[672,336]]})").grid.size() ==
      2);
}

TEST_CASE("other pixels are refused by name") {
  bad(R"({"do_pad":true})", "do_pad", "p.json: $.do_pad");
  bad(R"({"resample":2})", "bicubic", "2");
  for (const std::string step : {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"})
    bad("{\"" + step + "\":false}", step);
  bad(R"({"size":{"height":224,"width":224}})", "shortest_edge");
  bad(R"({"image_processor_type":"ViTImageProcessor"})", "ViTImageProcessor", "p.json: $.image_processor_type");
  bad(R"({"feature_extractor_type":"ViTFeatureExtractor"})", "ViTFeatureExtractor");
  bad(R"({"rescale_factor":0})", "rescale_factor", "a positive number");
  for (const char* type : {"CLIPImageProcessorFast", "CLIPFeatureExtractor", "LlavaNextImageProcessor"})
    CHECK_NOTHROW(parse(std::string(R"({"image_processor_type":")") + type + "\"}"));
  bad(R"({"crop_size":{"height":224,"width":225}})", "differ");
  bad(R"({"image_std":[0,1,1]})", "positive");
  bad(R"({"image_mean":[0,1]})", "3 numbers");
  bad(R"({"size":200,"crop_size":224})", "padding");
  bad(R"({"size":2000000000,"crop_size":2000000000})", "4096");
  bad(R"({"size":4097})", "1 to 4096");
  bad(R"({"size":0,"crop_size":0})", "1 to 4096");
  bad(R"({"crop_size":0})", "crop_size from 1 to 224");
  bad(R"({"crop_size":225})", "crop_size from 1 to 224");
  bad(R"({"image_std":[1,1,0]})", "positive");
  bad(R"({"size":256,"crop_size":256,"image_grid_pinpoints":[[256,8448]]})", "$.image_grid_pinpoints[0][1]", "8192");
  bad(R"({"size":{"shortest_edge":224,"longest_edge":300}})", "$.size", "another size");
  bad(R"({"image_grid_pinpoints":[]})", "empty");
  bad(R"({"image_grid_pinpoints":[[224,448],[448,300]]})", "$.image_grid_pinpoints[1][1]", "multiple of 224");
  bad(R"({"image_grid_pinpoints":[[0,448]]})", "whole tiles");
  bad(R"({"image_grid_pinpoints":[[2240000,448]]})", "8192");
  bad(R"({"image_grid_pinpoints":[[224,224,224]]})", "$.image_grid_pinpoints[0]", "two sides");
  bad(R"({"size":300,"image_grid_pinpoints":[[224,448]]})", "crop_size differ");
  refused([] { parse(R"({"size":"224"})"); }, ExitCode::model, "MODEL-JSON-002", "$.size");
}

TEST_CASE("the processor of a folder is in one of two files") {
  const TemporaryFolder t;
  const Folder f(t.path);
  refused([&] { image::read_clip_processor(f); }, ExitCode::model, "MODEL-CONFIG-002", "preprocessor_config.json");
  t.write("processor_config.json", R"({"image_processor":{"size":64,"crop_size":64}})");
  CHECK(image::read_clip_processor(f).file.crop == 64);
  t.write("preprocessor_config.json", R"({"size":32,"crop_size":32})");
  const image::ClipProcessorSource source = image::read_clip_processor(f);
  CHECK(source.file.crop == 32);
  CHECK(source.name == "preprocessor_config.json");
  CHECK(source.text == R"({"size":32,"crop_size":32})");
}
