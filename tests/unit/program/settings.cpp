// Every option arrives where it acts.
#include <vlt/dist/thread_group.hpp>
#include <vlt/program/settings.hpp>

#include <catch2/catch.hpp>

using namespace vlt;

TEST_CASE("options become a request for a model") {
  program::SftOptions o;
  o.lm_model_name_or_path = "lm", o.vision_model_name_or_path = "vit", o.chat_template = "plain", o.vis_proj = "vit";
  o.vision_feature_layer = -2, o.vision_feature_select = "patch", o.enable_mmca_attention = true, o.max_seq_len = 77;
  o.tensors = 5;
  const BaseModelRequest r = base_model_request(o);
  CHECK(r.language_folder == "lm");
  CHECK(r.vision_folder == "vit");
  CHECK(r.chat_template == "plain");
  CHECK(r.projector == "vit");
  CHECK(r.vision_feature_layer == -2);
  CHECK(r.feature_select == FeatureSelect::patch);
  CHECK(r.mask == MaskKind::mmca);
  CHECK(r.max_seq_len == 77);
  CHECK(r.limits.tensors == 5);
  CHECK(base_model_request(program::SftOptions{}).feature_select == FeatureSelect::full);
  CHECK(base_model_request(program::SftOptions{}).mask == MaskKind::causal);
}

TEST_CASE("options become a choice of what trains") {
  program::SftOptions o;
  CHECK_FALSE(program::settings::choice(o).vision);
  CHECK_FALSE(program::settings::choice(o).language);
  CHECK(program::settings::choice(o).embedding);
  o.lang_lora_dim = 4, o.lang_lora_module_name = "q_proj,,v_proj", o.vis_encoder_update = true;
  TrainingChoice c = program::settings::choice(o);
  CHECK(c.vision);
  CHECK(c.language_adapters.rank == 4);
  CHECK(c.language_adapters.alpha == 8);
  CHECK(c.language_adapters.names == Words{"q_proj", "v_proj"});
  CHECK(c.language_adapters.from.place == "--lang_lora_module_name");
  CHECK(c.vision_adapters.rank == 0);
  CHECK(c.vision_adapters.names == Words{"encoder.layers."});
  CHECK(c.vision_adapters.from.place == "--vis_lora_module_name");
  o.lora_alpha = 3, o.only_optimize_lora = true, o.lang_decoder_update = true;
  c = program::settings::choice(o);
  CHECK(c.language_adapters.alpha == 3);
  CHECK(c.language);
  CHECK_FALSE(c.embedding);
  o.model_architecture = "llava";  // whose embedding goes with the decoder
  CHECK(program::settings::choice(o).embedding);
  o.lang_decoder_update = false;
  CHECK_FALSE(program::settings::choice(o).embedding);
}

TEST_CASE("options say what is kept") {
  program::SftOptions o;
  o.save_step = 7, o.keep = 3, o.keep_epochs = 4, o.early_stop = 5;
  program::SftSettings s = program::sft_settings(o, dist::Single());
  CHECK((s.save_step == 7 && s.keep == 3 && s.keep_epochs == 4 && s.early_stop == 5));
  CHECK_FALSE((s.keep_best || s.tensorboard));
  o.keep_best = "loss", o.enable_tensorboard = true;
  s = program::sft_settings(o, dist::Single());
  CHECK((s.keep_best && s.tensorboard));
}

TEST_CASE("options say where features are kept, in a training") {
  program::SftOptions o;
  const dist::Single world;
  using program::KeptFeatures;
  const auto kept = [&](const char* where) {
    o.cache_vision_features = where;
    return program::sft_settings(o, world).features;
  };
  CHECK(kept("off") == KeptFeatures::nowhere);
  CHECK(kept("memory") == KeptFeatures::in_memory);
  CHECK(kept("disk") == KeptFeatures::on_disk);
  o.vision_cache_bytes = 77;
  CHECK(program::sft_settings(o, world).feature_bytes == 77);
  o.eval_only = true;
  CHECK(kept("disk") == KeptFeatures::nowhere);
}

TEST_CASE("options become peak rates") {
  program::SftOptions o;
  o.learning_rate = 1, o.learning_rate_pretraining_components = 2, o.vision_learning_rate = 3,
  o.language_learning_rate = 5;
  const PeakRates r = program::settings::rates(o);
  CHECK(r.of(ComponentKind::vision, false) == 3);
  CHECK(r.of(ComponentKind::projector, false) == 1);
  CHECK(r.of(ComponentKind::language, true) == 5);
  o.language_learning_rate.reset();
  CHECK(program::settings::rates(o).of(ComponentKind::language, false) == 2);
}

TEST_CASE("options become the settings of every part") {
  program::SftOptions o;
  o.seed = 7, o.log_format = "json", o.num_threads = 3, o.data_path = {"a.json"}, o.dataset_samples = {"5"};
  o.dataset_concatenate_samples = {"2"};
  o.image_folder = "images", o.data_train_split_ratio = 0.5, o.data_debug_path = "shown", o.truncation = "error";
  o.limit_json_depth = 5, o.limit_record_bytes = 6, o.limit_text_bytes = 7, o.limit_turns = 8, o.limit_path_bytes = 9;
  o.max_num_image_per_sample = 4, o.on_bad_sample = "skip", o.max_bad_fraction = 0.25;
  o.limit_image_bytes = 11, o.limit_image_side = 12, o.limit_image_pixels = 13, o.limit_decode_bytes = 14;
  o.limit_jpeg_scans = 15, o.limit_png_chunks = 16, o.limit_image_seconds = 17;
  o.num_workers = 2, o.gradient_accumulation_steps = 18, o.loader_timeout_s = 19;
  o.per_device_train_batch_size = 20, o.per_device_eval_batch_size = 21, o.num_train_epochs = 22, o.max_steps = 23;
  o.adam_beta1 = 0.1, o.adam_beta2 = 0.2, o.adam_epsilon = 0.3, o.weight_decay = 0.4, o.zero_stage = 2;
  o.lr_scheduler_type = "wsd", o.num_warmup_steps = 24, o.max_grad_norm = 25, o.log_step = 26, o.eval_step = 27;
  o.gradient_checkpointing = true;
  const dist::Single world;
  const program::SftSettings s = program::sft_settings(o, world);
  CHECK(s.task == program::SftTask::train);
  CHECK((s.seed == 7 && s.log_json && s.threads == 3 && s.samples_folder == "shown"));
  CHECK(
      (s.data.data_path == Words{"a.json"} && s.data.dataset_samples == Words{"5"} && s.data.image_folder == "images"));
  CHECK(s.data.joined_records == Words{"2"});
  CHECK((s.data.train_split_ratio == 0.5 && s.data.seed == 7 && s.truncation == data::Truncation::error));
  const data::RecordLimits& l = s.data.limits;
  CHECK(
      (l.depth == 5 && l.record_bytes == 6 && l.text_bytes == 7 && l.turns == 8 && l.name_bytes == 9 && l.images == 4));
  CHECK((s.data.bad.policy == data::OnBadSample::skip && s.data.bad.max_fraction == 0.25));
  CHECK((s.images.file_bytes == 11 && s.images.side == 12 && s.images.pixels == 13 && s.images.memory_at_once == 14));
  CHECK((s.images.jpeg_scans == 15 && s.images.png_chunks == 16 && s.images.seconds == 17));
  CHECK((s.loader.workers == 2 && s.loader.held == 18 && s.loader.timeout_s == 19 && s.loader.image_seconds == 17));
  CHECK(s.loader.on_bad_sample == data::OnBadSample::skip);
  CHECK((s.training.sequences == 20 && s.training.epochs == 22 && s.training.accumulation == 18));
  CHECK((s.training.max_steps == 23 && s.evaluation.sequences == 21));
  CHECK((s.optimizer.beta1 == 0.1 && s.optimizer.beta2 == 0.2 && s.optimizer.epsilon == 0.3));
  CHECK((s.optimizer.weight_decay == 0.4 && s.zero.stage == 0 && s.max_grad_norm == 25));
  CHECK((s.schedule == ScheduleKind::wsd && s.warmup == 24 && s.log_step == 26 && s.eval_step == 27));
  CHECK((s.checkpoint_blocks && s.log_accuracy));
  o.is_sft_stage = true, o.truncation = "drop_sample";
  CHECK_FALSE(program::sft_settings(o, world).log_accuracy);
  CHECK(program::sft_settings(o, world).truncation == data::Truncation::drop_sample);
}

TEST_CASE("packing is a budget of tokens, in training and in evaluation") {
  program::SftOptions o;
  o.per_device_train_batch_size = 3, o.per_device_eval_batch_size = 5, o.max_seq_len = 100;
  const dist::Single world;
  CHECK(program::sft_settings(o, world).training.tokens == 0);
  CHECK(program::sft_settings(o, world).evaluation.tokens == 0);
  o.packing = true;
  CHECK(program::sft_settings(o, world).training.tokens == 300);
  CHECK(program::sft_settings(o, world).evaluation.tokens == 500);
}

TEST_CASE("settings that nobody has made") {
  const program::SftSettings none;
  CHECK((none.task == program::SftTask::train && !none.log_json && none.threads == 1 && none.seed == 0));
  CHECK((none.samples_folder.empty() && none.truncation == data::Truncation::drop_turns && !none.checkpoint_blocks));
  CHECK((none.schedule == ScheduleKind::cosine && none.warmup == 0 && none.max_grad_norm == 1));
  CHECK((none.save_step == 0 && none.keep == 2 && none.log_step == 1 && none.eval_step == 0 && !none.log_accuracy));
  CHECK((none.keep_epochs == 0 && !none.keep_best && none.early_stop == 0 && !none.tensorboard && none.ranks == 1));
  CHECK((none.network_bytes == 0 && none.peak_flops == 0));

  const dist::Single world;
  const program::SftSettings s = program::sft_settings({}, world);
  const int cores = int(allowed_cores().size());
  CHECK((s.task == program::SftTask::train && !s.log_json && s.threads == cores && s.seed == 1234));
  CHECK((s.loader.workers == std::max(1, cores - 1) && s.loader.rank == 0 && s.training.ranks == 1));
  CHECK((s.loader.on_bad_sample == data::OnBadSample::fail && s.data.bad.policy == data::OnBadSample::fail));
  CHECK((s.truncation == data::Truncation::drop_turns && !s.checkpoint_blocks && s.log_accuracy));
  CHECK((s.zero.stage == 0 && s.zero.reduce == dist::Reduce::once && s.evaluation.ranks == 1));
  CHECK((s.rates.learning_rate == 1e-3 && s.schedule == ScheduleKind::cosine));
  CHECK((s.choice.vision_adapters.rank == 0 && s.choice.language_adapters.rank == 0));
}

TEST_CASE("a run has one task") {
  const dist::Single world;
  const auto task = [&](bool program::SftOptions::*flag) {
    program::SftOptions o;
    o.*flag = true;
    return program::sft_settings(o, world);
  };
  CHECK(task(&program::SftOptions::plan).task == program::SftTask::plan);
  CHECK(task(&program::SftOptions::plan).trains());
  CHECK_FALSE(task(&program::SftOptions::plan).writes());
  CHECK(task(&program::SftOptions::validate_only).task == program::SftTask::audit);
  CHECK(task(&program::SftOptions::eval_only).task == program::SftTask::evaluate);
  CHECK_FALSE(task(&program::SftOptions::eval_only).trains());
  CHECK(program::sft_settings({}, world).writes());
}

TEST_CASE("what a model's folder says holds in a run that goes on from it") {
  ExportedModel e;
  ModelDescription& m = e.description;
  m.mask = MaskKind::mmca, m.projector = projector_facts<VitKind>(), m.max_seq_len = 99, m.vision_feature_layer = -2;
  m.vision_sizes.drop_class = true, m.template_name = "folder/vltune.json";
  e.language_adapters = {3, 5, {"a.b"}, {blame_model, "folder"}};
  program::SftOptions given;
  given.vis_lora_dim = 2;
  const program::SftOptions o = program::continued(given, e);
  CHECK((o.enable_mmca_attention && o.vis_proj == "vit" && o.max_seq_len == 99 && o.vision_feature_layer == -2));
  CHECK((o.vision_feature_select == "patch" && o.chat_template == "folder/vltune.json"));
  CHECK((o.lang_lora_dim == 3 && o.vis_lora_dim == 2));
  const dist::Single world;
  const program::SftSettings s = program::sft_settings(o, world, &e);
  CHECK((s.choice.language_adapters.alpha == 5 && s.choice.language_adapters.from.place == "folder"));
  CHECK(s.choice.vision_adapters.rank == 2);
  e.vision_adapters = {4, 7, {"c"}, {blame_model, "other"}}, e.language_adapters = {};
  const program::SftOptions vision = program::continued(given, e);
  CHECK((vision.vis_lora_dim == 4 && vision.lang_lora_dim == 0));
  CHECK(program::sft_settings(vision, world, &e).choice.vision_adapters.alpha == 7);
  CHECK(program::sft_settings(vision, world, &e).choice.language_adapters.names == Words{"model.layers."});
  m.mask = MaskKind::causal, m.vision_sizes.drop_class = false;
  given.enable_mmca_attention = true;
  CHECK_FALSE(program::continued(given, e).enable_mmca_attention);
  CHECK(program::continued(given, e).vision_feature_select == "full");
}

TEST_CASE("of a LLaVA only what was given is asked") {
  program::SftOptions o;
  o.vision_feature_layer = -3;
  CHECK_FALSE(program::llava_request(o, {}).vision_feature_layer);
  CHECK(program::llava_request(o, {"vision_feature_layer"}).vision_feature_layer == -3);
  CHECK(program::llava_request(o, {"vision_feature_select"}).feature_select == FeatureSelect::full);
  CHECK_FALSE(program::llava_request(o, {"vision_feature_layer"}).feature_select);
  CHECK_FALSE(program::llava_request(o, {"vision_feature_select"}).vision_feature_layer);
  o.chat_template = "plain", o.max_seq_len = 77;
  CHECK(program::llava_request(o, {}).chat_template == "plain");
  CHECK(program::llava_request(o, {}).max_seq_len == 77);
}

TEST_CASE("a stage of ZeRO is for several processes, and decides when gradients are summed", "[threads]") {
  for (const int stage : {0, 1, 2, 3}) {
    program::SftOptions o;
    o.zero_stage = stage;
    const dist::Single alone;
    CHECK(program::sft_settings(o, alone).zero.stage == 0);
    dist::ZeroSettings shared;
    dist::ThreadGroup::run(2, [&](dist::World& world) {
      if (world.rank() == 0) shared = program::sft_settings(o, world).zero;
    });
    CHECK(shared.stage == stage);
    CHECK((shared.reduce == dist::Reduce::every_micro_batch) == (stage >= 2));
  }
}

TEST_CASE("a plan may be one of more ranks than there are; a run is not") {
  const dist::Single alone;
  program::SftOptions o;
  o.ranks = 4, o.zero_stage = 2, o.network_gbit = 16, o.peak_tflops = 3;
  program::SftSettings s = program::sft_settings(o, alone);
  CHECK((s.ranks == 1 && s.training.ranks == 1 && s.evaluation.ranks == 1 && s.zero.stage == 0));
  CHECK((s.network_bytes == 2e9 && s.peak_flops == 3e12));
  o.plan = true;
  s = program::sft_settings(o, alone);
  CHECK((s.ranks == 4 && s.training.ranks == 4 && s.evaluation.ranks == 4 && s.zero.stage == 2));
  o.ranks = 0;
  CHECK(program::sft_settings(o, alone).ranks == 1);
}
