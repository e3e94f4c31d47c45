#pragma once
#include <set>
#include <sstream>
#include <vlt/base/cores.hpp>
#include <vlt/data/data_options.hpp>
#include <vlt/dist/zero.hpp>
#include <vlt/image/image_limits.hpp>
#include <vlt/optim/adamw.hpp>
#include <vlt/optim/parameter_groups.hpp>
#include <vlt/optim/schedule.hpp>
#include <vlt/pretrained/exported_model.hpp>
#include <vlt/program/options.hpp>

// Every option is translated here, into the words of the part that acts on it.
namespace vlt::program {

// What a run is for.
enum class SftTask : std::uint8_t { train, evaluate, plan, audit };

// Where the features of a frozen tower are kept.
enum class KeptFeatures : std::uint8_t { nowhere, in_memory, on_disk };

// The settings of all parts of a run. Nothing below the command line looks at an option again, except to print it.
struct SftSettings {
  SftTask task = SftTask::train;
  bool log_json = false;
  int threads = 1;
  std::uint64_t seed = 0;
  // the data
  data::DataOptions data;
  std::string samples_folder;  // where the first samples are shown; empty: nowhere
  image::ImageLimits images;
  data::Truncation truncation = data::Truncation::drop_turns;
  data::LoaderSettings loader;  // of training; evaluation holds one micro-batch
  data::BatchRules training, evaluation;
  // the model
  TrainingChoice choice;
  bool checkpoint_blocks = false;
  // the optimiser
  AdamW optimizer;
  dist::ZeroSettings zero;
  int ranks = 1;  // for which a plan is made; else those that there are
  PeakRates rates;
  ScheduleKind schedule = ScheduleKind::cosine;
  double warmup = 0, max_grad_norm = 1;
  // what a plan of several ranks supposes: bytes of a second over a rank's link, and its arithmetic; 0: none given
  double network_bytes = 0, peak_flops = 0;
  // what is kept
  Index save_step = 0, keep = 2, keep_epochs = 0;
  bool keep_best = false;
  KeptFeatures features = KeptFeatures::nowhere;
  Index feature_bytes = 0;  // room for them
  // what is told
  Index log_step = 1, eval_step = 0, early_stop = 0;
  bool log_accuracy = false, tensorboard = false;

  bool trains() const { return task != SftTask::evaluate; }  // a plan is one of a training
  bool writes() const { return task == SftTask::train; }
};

inline BaseModelRequest base_model_request(const SftOptions& o) {
  BaseModelRequest r;
  r.language_folder = o.lm_model_name_or_path, r.vision_folder = o.vision_model_name_or_path;
  r.chat_template = o.chat_template, r.projector = o.vis_proj;
  r.vision_feature_layer = o.vision_feature_layer, r.feature_select = named(feature_selects, o.vision_feature_select);
  r.mask = o.enable_mmca_attention ? MaskKind::mmca : MaskKind::causal;
  r.max_seq_len = o.max_seq_len, r.limits = o;
  return r;
}

// given: names of the options that are not left at their defaults.
inline LlavaRequest llava_request(const SftOptions& o, const std::set<std::string>& given) {
  LlavaRequest r{o.chat_template, {}, {}, o.max_seq_len};
  if (given.contains("vision_feature_layer")) r.vision_feature_layer = o.vision_feature_layer;
  if (given.contains("vision_feature_select")) r.feature_select = named(feature_selects, o.vision_feature_select);
  return r;
}

// The options of a run that goes on from a model: what its folder says holds.
inline SftOptions continued(SftOptions o, const ExportedModel& e) {
  const ModelDescription& m = e.description;
  o.enable_mmca_attention = m.mask == MaskKind::mmca, o.vis_proj = m.projector.name, o.max_seq_len = m.max_seq_len;
  o.vision_feature_layer = m.vision_feature_layer;
  o.vision_feature_select = name(m.feature_select());
  if (e.language_adapters.rank > 0) o.lang_lora_dim = e.language_adapters.rank;
  if (e.vision_adapters.rank > 0) o.vis_lora_dim = e.vision_adapters.rank;
  o.chat_template = m.template_name;
  return o;
}

namespace settings {

inline Words comma_separated(const std::string& text) {
  Words words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');)
    if (!word.empty()) words.push_back(word);
  return words;
}

inline TrainingChoice choice(const SftOptions& o) {
  const auto adapters = [&](Index rank, const std::string& names, const char* option) {
    return AdapterChoice{
        rank, o.lora_alpha.value_or(2.0 * double(rank)), comma_separated(names), {blame_option, option}};
  };
  const bool embedding = o.model_architecture == "default" ? !o.only_optimize_lora : o.lang_decoder_update;
  return {o.vis_encoder_update, o.lang_decoder_update, embedding,
          adapters(o.vis_lora_dim, o.vis_lora_module_name, "--vis_lora_module_name"),
          adapters(o.lang_lora_dim, o.lang_lora_module_name, "--lang_lora_module_name")};
}

inline data::OnBadSample on_bad_sample(const SftOptions& o) {
  return o.on_bad_sample == "skip" ? data::OnBadSample::skip : data::OnBadSample::fail;
}

// Those of this process, which may be fewer than the machine has.
inline int cores() { return int(allowed_cores().size()); }

inline data::DataOptions data(const SftOptions& o) {
  data::DataOptions d;
  d.data_path = o.data_path, d.dataset_samples = o.dataset_samples, d.image_folder = o.image_folder;
  d.joined_records = o.dataset_concatenate_samples;
  d.train_split_ratio = o.data_train_split_ratio, d.seed = std::uint32_t(o.seed);
  d.limits.depth = int(o.limit_json_depth), d.limits.record_bytes = o.limit_record_bytes;
  d.limits.text_bytes = o.limit_text_bytes, d.limits.turns = o.limit_turns, d.limits.name_bytes = o.limit_path_bytes;
  d.limits.images = o.max_num_image_per_sample;
  d.bad.policy = on_bad_sample(o), d.bad.max_fraction = o.max_bad_fraction;
  return d;
}

inline image::ImageLimits images(const SftOptions& o) {
  image::ImageLimits l;
  l.file_bytes = std::uint64_t(o.limit_image_bytes), l.side = o.limit_image_side, l.pixels = o.limit_image_pixels;
  l.memory_at_once = std::uint64_t(o.limit_decode_bytes), l.seconds = o.limit_image_seconds;
  l.jpeg_scans = int(o.limit_jpeg_scans), l.png_chunks = int(o.limit_png_chunks);
  return l;
}

inline data::Truncation truncation(const std::string& word) {
  return word == "error"         ? data::Truncation::error
         : word == "drop_sample" ? data::Truncation::drop_sample
                                 : data::Truncation::drop_turns;
}

inline data::LoaderSettings loader(const SftOptions& o, int rank) {
  data::LoaderSettings s;
  s.workers = o.num_workers > 0 ? int(o.num_workers) : std::max(1, cores() - 1);
  s.held = o.gradient_accumulation_steps, s.timeout_s = o.loader_timeout_s, s.image_seconds = o.limit_image_seconds;
  s.on_bad_sample = on_bad_sample(o), s.rank = rank;
  return s;
}

inline data::BatchRules batches(const SftOptions& o, Index sequences, int ranks) {
  data::BatchRules r;
  r.sequences = sequences, r.tokens = o.packing ? sequences * o.max_seq_len : 0, r.ranks = ranks;
  return r;
}
inline data::BatchRules training(const SftOptions& o, int ranks) {
  data::BatchRules r = batches(o, o.per_device_train_batch_size, ranks);
  r.epochs = o.num_train_epochs, r.accumulation = o.gradient_accumulation_steps, r.max_steps = o.max_steps;
  return r;
}

inline KeptFeatures kept_features(const SftOptions& o) {
  return o.cache_vision_features == "memory" ? KeptFeatures::in_memory
         : o.cache_vision_features == "disk" ? KeptFeatures::on_disk
                                             : KeptFeatures::nowhere;
}

inline PeakRates rates(const SftOptions& o) {
  return {o.learning_rate,
          o.learning_rate_pretraining_components,
          {{o.vision_learning_rate, o.projector_learning_rate, o.language_learning_rate}}};
}

}  // namespace settings

// from: the model that the run goes on from, if any; its adapters stay what they are.
inline SftSettings sft_settings(const SftOptions& o, const dist::World& world, const ExportedModel* from = nullptr) {
  SftSettings s;
  s.task = o.validate_only ? SftTask::audit : o.plan ? SftTask::plan : o.eval_only ? SftTask::evaluate : SftTask::train;
  s.log_json = o.log_format == "json", s.seed = std::uint64_t(o.seed);
  s.threads = o.num_threads > 0 ? int(o.num_threads) : settings::cores();
  s.data = settings::data(o), s.samples_folder = o.data_debug_path, s.images = settings::images(o);
  s.truncation = settings::truncation(o.truncation), s.loader = settings::loader(o, world.rank());
  s.ranks = s.task == SftTask::plan && o.ranks > 0 ? int(o.ranks) : world.size();
  s.training = settings::training(o, s.ranks);
  s.evaluation = settings::batches(o, o.per_device_eval_batch_size, s.ranks);
  s.choice = settings::choice(o), s.checkpoint_blocks = o.gradient_checkpointing;
  if (from && from->vision_adapters.rank > 0) s.choice.vision_adapters = from->vision_adapters;
  if (from && from->language_adapters.rank > 0) s.choice.language_adapters = from->language_adapters;
  s.optimizer = {o.adam_beta1, o.adam_beta2, o.adam_epsilon, o.weight_decay};
  s.zero = dist::ZeroSettings::of_stage(int(o.zero_stage), s.ranks, o.offload && s.trains());
  s.network_bytes = o.network_gbit * 1e9 / 8, s.peak_flops = o.peak_tflops * 1e12;
  s.rates = settings::rates(o);
  s.schedule = schedule_kind(o.lr_scheduler_type), s.warmup = o.num_warmup_steps, s.max_grad_norm = o.max_grad_norm;
  s.save_step = o.save_step, s.keep = o.keep, s.keep_epochs = o.keep_epochs, s.keep_best = o.keep_best == "loss";
  s.log_step = o.log_step, s.eval_step = o.eval_step, s.early_stop = o.early_stop, s.log_accuracy = !o.is_sft_stage;
  if (s.trains()) s.features = settings::kept_features(o);
  s.feature_bytes = o.vision_cache_bytes;
  s.tensorboard = o.enable_tensorboard;
  return s;
}

}  // namespace vlt::program
