// probe_model FOLDER INPUT OUTPUT [--precision fp32|bf16] [--gradient_checkpointing]
// Loads a model folder as sft_main does, with everything in it set to train, and runs it once over given conversations.
//   INPUT   safetensors: ids and labels (I64, all conversations one after another; the tokenizer's <image> stands for a
//           picture; labels are negative where unsupervised), lengths (I64, one per conversation), pixels (F32,
//           pictures in the order of their marks, 3, side, side)
//   OUTPUT  safetensors: loss (mean over supervised tokens), logits (every row of the spliced sequences, vocabulary),
//           grad.NAME (of every parameter that trains; NAME as the library calls it)
#include <instances/kinds.hpp>
#include <iostream>
#include <numeric>
#include <vlt/hub/safetensors_writer.hpp>
#include <vlt/pretrained/build_model.hpp>
#include <vlt/pretrained/exported_model.hpp>
#include <vlt/pretrained/model_weights.hpp>
#include <vlt/program/complain.hpp>
#include <vlt/train/plan.hpp>
using namespace vlt;

namespace {

// Conversations and pictures as they come from the input file.
struct Given {
  std::vector<Sample> samples;
  std::vector<float> pixels;
  Index tiles = 0;
  std::vector<image::Size> sizes;  // of the pictures, or none: each is one tile
};

std::vector<Index> integers(const hub::SafetensorsFile& file, const char* name) {
  const hub::StoredTensor* t = file.find(name);
  require(t && t->type == hub::StoredType::i64, std::string("the input needs an I64 tensor ") + name);
  std::vector<Index> numbers(std::size_t(t->size()));
  file.read_bytes(*t, 0, {reinterpret_cast<char*>(numbers.data()), numbers.size() * sizeof(Index)});
  return numbers;
}

Given read_input(const std::string& path) {
  const hub::SafetensorsFile file(open_file(path));
  const std::vector<Index> ids = integers(file, "ids"), labels = integers(file, "labels");
  Given g;
  auto id = ids.begin(), label = labels.begin();
  for (const Index n : integers(file, "lengths")) {
    require(n <= ids.end() - id && n <= labels.end() - label,
            "the lengths add up to more than there are ids or labels");
    g.samples.push_back({{id, id + n}, {label, label + n}});
    id += n, label += n;
  }
  if (const hub::StoredTensor* t = file.find("pixels")) {
    g.pixels.resize(std::size_t(t->size()));
    file.read(*t, 0, g.pixels);
    g.tiles = Index(t->shape.front());
  }
  if (file.find("sizes")) {
    const std::vector<Index> sides = integers(file, "sizes");
    for (std::size_t i = 0; i + 1 < sides.size(); i += 2) g.sizes.push_back({int(sides[i]), int(sides[i + 1])});
  }
  return g;
}

template <IsPolicy P> class Probe {
 public:
  Probe(const program::Kinds<Build>& kinds, const ExportedModel& folder, Given given, bool checkpoint)
      : given_(std::move(given)),
        model_(ModelBuilder<P>(kinds.models<P>(), kinds.compiled(), folder.description)
                   .build({true, true, true, folder.vision_adapters, folder.language_adapters}, checkpoint)),
        store_(registry_with_panels(model_)) {
    ModelWeights<P>(store_.registry(), folder.description).read_into(store_, threads_, 0);
    std::vector<ImageLayout> layouts;
    for (const image::Size size : given_.sizes) layouts.push_back(folder.description.pictures().layout(size));
    batch_ = model_.batch(equal_segments(given_.tiles, 1), given_.samples,
                          folder.description.tokenizer->id(folder.description.chat_template.mark), {}, layouts);
    const Index each = given_.tiles > 0 ? Index(given_.pixels.size()) / given_.tiles : 0;
    x_ = borrow_host<decltype(x_)>(given_.pixels.data(), given_.tiles, each);
  }

  void write(const std::string& path) {
    const float mean = loss_and_gradients();
    const std::vector<float> logits = all_logits();
    std::vector<hub::TensorPlan> plans{
        {"loss", hub::StoredType::f32, {1}},
        {"logits",
         hub::StoredType::f32,
         {std::uint64_t(batch_.text.rows()), std::uint64_t(model_.language.vocabulary())}}};
    each_gradient([&](const auto& p, const Part& part) {
      plans.push_back({"grad." + part.name, hub::StoredType::f32, hub::checkpoint_shape(p, part)});
    });
    hub::SafetensorsWriter file(path, plans);
    file.append({&mean, 1});
    file.append(logits);
    each_gradient([&](const auto& p, const Part& part) {
      const float* first = p.grad->data.after(p.first(part));
      const std::vector<float> numbers(first, first + p.size(part));
      file.append(numbers);
    });
    file.commit();
  }

 private:
  static constexpr Device D = P::device;
  Given given_;
  AnyVlm<P> model_;
  store_t<P> store_;
  Threads threads_;
  Batch batch_;
  typename AnyVlm<P>::host_pixels x_;

  static registry_t<P> registry_with_panels(AnyVlm<P>& model) {
    auto registry = registry_of<P>(model);
    choose_panels(registry);
    return registry;
  }
  template <class Visit> void each_gradient(Visit&& visit) const {
    for (const auto& p : store_.registry().params)
      if (p.trains())
        for (const Part& part : p.parts) visit(p, part);
  }
  float loss_and_gradients() {
    for (auto& p : store_.registry().params)
      if (p.trains()) std::fill_n(static_cast<float*>(p.grad->data), p.grad->size(), 0.0f);
    const double scale = 1 / double(std::max<std::size_t>(1, batch_.targets.row.size()));
    typename AnyVlm<P>::Losses sums;
    typename AnyVlm<P>::saved saved;
    run_in_own_memory<D>(threads_, [&](Scope& s) { model_.forward_backward(s, x_, batch_, scale, saved, sums); });
    return float(sums.read().total());
  }
  std::vector<float> all_logits() {
    std::vector<Index> row(std::size_t(batch_.text.rows()));
    std::iota(row.begin(), row.end(), Index(0));
    const Index rows = batch_.text.rows(), vocabulary = model_.language.vocabulary();
    std::vector<float> logits(std::size_t(rows * vocabulary));
    run_in_own_memory<D>(threads_, [&](Scope& s) {
      Frame frame(s);
      const auto y = s.temp<typename AnyVlm<P>::tokens>({rows, model_.language.width()});
      const auto out = s.temp<typename AnyLanguage<P>::logits_t>({rows, vocabulary});
      model_.hidden(s, x_, batch_, y);
      model_.language.logits(s, y, upload<D>(s, row), out);
      download(s, out, logits);
    });
    return logits;
  }
};

ExitCode probe(const std::vector<std::string>& words) {
  std::string precision = "fp32";
  bool checkpoint = false;
  std::vector<std::string> files;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--precision" && i + 1 < words.size()) precision = words[++i];
    else if (words[i] == "--gradient_checkpointing") checkpoint = true;
    else files.push_back(words[i]);
  }
  require(files.size() == 3,
          "usage: probe_model FOLDER INPUT OUTPUT [--precision fp32|bf16] [--gradient_checkpointing]");
  const auto kinds = compiled_in_kinds();
  const ExportedModel folder = describe_exported_model(kinds.known(), files[0]);
  bool known = false;
  Build::policies::for_each([&]<class P>(std::type_identity<P>) {
    if (precision != name(P::precision)) return;
    known = true;
    Probe<P>(kinds, folder, read_input(files[1]), checkpoint).write(files[2]);
  });
  require(known, "this precision is not compiled in: " + precision);
  return ExitCode::ok;
}

}  // namespace

int main(int argc, char** argv) {
  program::Messages messages(std::cerr, "probe_model", Build::version);
  return program::run_program(messages, [&] { return probe({argv + 1, argv + argc}); });
}
