#pragma once
#include <vlt/models/sizes.hpp>
#include <vlt/options/read_limit_options.hpp>

namespace vlt::program {

// Everything a user can ask sft_main for; the meaning of each member is in its row below.
struct SftOptions : ReadLimits {
  // data
  Words data_path, dataset_names{"llava_sft"}, dataset_samples{"all"}, dataset_concatenate_samples{"1"};
  std::string data_debug_path, image_folder;
  double data_train_split_ratio = 0.9;
  Index max_num_image_per_sample = 8, max_seq_len = 4096;
  std::string chat_template = "default", on_bad_sample = "fail", truncation = "drop_turns";
  double max_bad_fraction = 0.01;
  bool packing = false;
  // model
  std::string lm_model_name_or_path, vision_model_name_or_path, model_architecture = "default", vis_proj = "baseline";
  Words from_checkpoint;
  bool enable_mmca_attention = false;
  Index vision_feature_layer = -1;
  std::string vision_feature_select = name(FeatureSelect::full), precision = "fp16", device = "auto";
  // what trains
  bool is_sft_stage = false, vis_encoder_update = false, lang_decoder_update = false, only_optimize_lora = false;
  Index lang_lora_dim = 0, vis_lora_dim = 0;
  std::string lang_lora_module_name = "model.layers.", vis_lora_module_name = "encoder.layers.";
  std::optional<double> lora_alpha;
  // optimisation
  Index per_device_train_batch_size = 2, per_device_eval_batch_size = 2, num_train_epochs = 6;
  Index gradient_accumulation_steps = 1, seed = 1234, max_steps = 0, eval_step = 100;
  double learning_rate = 1e-3, learning_rate_pretraining_components = 0, weight_decay = 0, num_warmup_steps = 0;
  std::optional<double> vision_learning_rate, projector_learning_rate, language_learning_rate;
  std::string lr_scheduler_type = "cosine";
  double max_grad_norm = 1, adam_beta1 = 0.9, adam_beta2 = 0.95, adam_epsilon = 1e-8;
  bool gradient_checkpointing = false;
  // run
  std::string output_dir, log_format = "text", config, explain;
  Index num_threads = 0, num_workers = 0, log_step = 1, local_rank = -1, zero_stage = 0, save_step = 0, keep = 2;
  Index keep_epochs = 0, early_stop = 0;
  std::string keep_best = "off";
  double loader_timeout_s = 300, comm_timeout_s = 600;
  bool offload = false, enable_tensorboard = false;
  std::string cache_vision_features = "off";
  Index vision_cache_bytes = Index(1) << 30;
  // limits, beside those of model folders
  Index limit_json_depth = 16, limit_record_bytes = Index(16) << 20, limit_text_bytes = Index(8) << 20;
  Index limit_turns = 1024, limit_path_bytes = 4095, limit_image_bytes = Index(64) << 20, limit_image_side = 16384;
  Index limit_image_pixels = 50000000, limit_decode_bytes = Index(1) << 30, limit_jpeg_scans = 100;
  Index limit_png_chunks = 100000;
  double limit_image_seconds = 10;
  // other jobs
  bool plan = false, validate_only = false, eval_only = false, version = false;
  std::optional<std::string> help;
  bool print_limits = false, print_options_md = false;
  Index ranks = 0;
  double network_gbit = 0, peak_tflops = 0;
};

namespace sft_rows {

inline constexpr const char* jobs_group = "Instead of training";

using Table = OptionTable<SftOptions>;
using O = SftOptions;

inline void data(Table& t) {
  t.group = "Data";
  t.add("data_path", &O::data_path, "JSON list of records, or JSON Lines; one file per `dataset_names` entry.")
      .reads("required")
      .differs_freely();
  t.add("image_folder", &O::image_folder, "Root of image names; needed as soon as a record names an image.")
      .differs_freely();
  t.add("data_debug_path", &O::data_debug_path,
        "Saves the first 10 training samples there: image copies, `samples.json` and a page that shows them.")
      .differs_freely();
  t.add("data_train_split_ratio", &O::data_train_split_ratio,
        "Share of the shuffled records that trains; the rest evaluates.")
      .from(0)
      .to(1);
  t.add("dataset_names", &O::dataset_names,
        "What kind of data set each data file is; one value is used for all. The loss is also reported per file.")
      .one_of({"llava_sft", "llava_reward"});
  t.add("dataset_samples", &O::dataset_samples,
        "Per data file: `all`, or how many records to draw (without replacement, seeded). One value is used for all.");
  t.add("dataset_concatenate_samples", &O::dataset_concatenate_samples,
        "Per data file: so many training records are joined into one conversation, or as many as fit into "
        "`max_seq_len` and `max_num_image_per_sample`. One value is used for all.");
  t.add("max_num_image_per_sample", &O::max_num_image_per_sample, "A record with more images is a bad sample.").from(1);
  t.add("max_seq_len", &O::max_seq_len, "Limit of a sequence in tokens, those of images included.").from(2);
  t.add("truncation", &O::truncation,
        "A sample that is too long loses whole last turns, or is dropped, or is an error. An image is never split.")
      .one_of({"drop_turns", "drop_sample", "error"});
  t.add(
      "template", &O::chat_template,
      "How a conversation is written: default, llama_2, llama_3, vicuna, llava, llava_next, llama-3.2-vision, chatml, "
      "plain, or a JSON file.");
  t.add("on_bad_sample", &O::on_bad_sample,
        "A bad record ends the run before the model is loaded, or is left out and listed in `skipped.jsonl`.")
      .one_of({"fail", "skip"})
      .differs_freely();
  t.add("max_bad_fraction", &O::max_bad_fraction, "Under `skip`: more bad records than this share end the run.")
      .from(0)
      .to(1)
      .differs_freely();
  t.add("packing", &O::packing,
        "Micro-batches are filled up to batch size x `max_seq_len` tokens; sequences in one never see each other. Off: "
        "one is exactly as many sequences as the batch size says.");
}

inline void model(Table& t, const Words& projectors) {
  t.group = "Model";
  t.add("lm_model_name_or_path", &O::lm_model_name_or_path,
        "Folder of the language model: config.json, *.safetensors, tokenizer files.")
      .reads("required for `default`")
      .differs_freely();
  t.add("vision_model_name_or_path", &O::vision_model_name_or_path,
        "Folder of a CLIP vision model (or a whole CLIP) with preprocessor_config.json.")
      .reads("required for `default`")
      .differs_freely();
  t.add("model_architecture", &O::model_architecture,
        "Which family of models; `llava` and `llava_next` read the one folder of `from_checkpoint`.")
      .one_of({"default", "llava", "llava_next"});
  t.add("vis_proj", &O::vis_proj, "The projector between the encoder and the decoder.").one_of(projectors);
  t.add("enable_mmca_attention", &O::enable_mmca_attention,
        "Multi-modal causal attention: text reads text and images in two separate softmaxes; an image token keeps its "
        "own value.");
  t.add("vision_feature_layer", &O::vision_feature_layer,
        "Which hidden state of the encoder is read: -1 is the last layer's, -2 the one before, 0 the embeddings. Of a "
        "LLaVA folder, unless given: what its config.json says.");
  t.add("vision_feature_select", &O::vision_feature_select,
        "All its tokens, or patch tokens only (no class token). Of a LLaVA folder, unless given: as config.json says.")
      .one_of({name(FeatureSelect::full), name(FeatureSelect::patch)});
  t.add("from_checkpoint", &O::from_checkpoint,
        "`auto`: the run in `output_dir` goes on from its newest checkpoint that is whole, or begins if there is none "
        "(`auto DIR`: from that model folder). A checkpoint (`checkpoints/step-N`): that one goes on. A model folder: "
        "its weights and settings are taken, strictly. One that a run wrote (`epoch-K`), or for `llava*` a Hugging "
        "Face folder.")
      .differs_freely();
  t.add("precision", &O::precision,
        "Of weights and activations; master weights and sums are fp32. fp16 scales the loss, skips steps whose "
        "gradients "
        "its range does not hold, and on a CPU computes through fp32: there bf16 is faster and safer.")
      .one_of({"fp16", "bf16", "fp32"});
  t.add("device", &O::device, "What computes.").one_of({"auto", "cpu", "cuda"}).differs_freely();
}

inline void tuning(Table& t) {
  t.group = "What trains";
  t.add("vis_encoder_update", &O::vis_encoder_update, "Train the vision encoder.");
  t.add("lang_decoder_update", &O::lang_decoder_update,
        "Train the decoder's blocks and head too; of `llava*` also the embedding, which is frozen otherwise.");
  t.add("lang_lora_dim", &O::lang_lora_dim, "Rank of the decoder's LoRA adapters; 0: none.").from(0).to(4096);
  t.add("vis_lora_dim", &O::vis_lora_dim, "Rank of the encoder's LoRA adapters; 0: none.").from(0).to(4096);
  t.add("lang_lora_module_name", &O::lang_lora_module_name,
        "Comma-separated parts of the full names of the decoder's linear layers that get an adapter.");
  t.add("vis_lora_module_name", &O::vis_lora_module_name, "The same for the encoder.");
  t.add("lora_alpha", &O::lora_alpha, "The adapters' scale is alpha / rank.").above(0).reads("2 x rank");
  t.add("only_optimize_lora", &O::only_optimize_lora,
        "In the encoder and the decoder (embedding included) only adapters train; the projector stays trainable.");
  t.add("is_sft_stage", &O::is_sft_stage,
        "On: the loss alone is computed. Off: next-token accuracy on supervised tokens is logged as well.")
      .differs_freely();
}

inline void optimisation(Table& t) {
  t.group = "Optimisation";
  t.add("per_device_train_batch_size", &O::per_device_train_batch_size,
        "Sequences per micro-batch; with `packing` as many as have that many times `max_seq_len` tokens.")
      .from(1)
      .to(65536);
  t.add("per_device_eval_batch_size", &O::per_device_eval_batch_size, "The same in evaluation.")
      .from(1)
      .to(65536)
      .differs_freely();
  t.add("gradient_accumulation_steps", &O::gradient_accumulation_steps,
        "Micro-batches per optimiser step; runs on across epochs, and a last partial step is applied.")
      .from(1)
      .to(1e6);
  t.add("num_train_epochs", &O::num_train_epochs, "How often every record is seen.").from(1).to(1e6);
  t.add("max_steps", &O::max_steps, "Stops the run after this many optimiser steps; the schedule stays. 0: no limit.")
      .from(0)
      .differs_freely();
  t.add("learning_rate", &O::learning_rate, "Peak rate of newly made components (projector, LoRA).").from(0).to(1e3);
  t.add("learning_rate_pretraining_components", &O::learning_rate_pretraining_components,
        "Peak rate of pre-trained tensors; 0: `learning_rate`.")
      .from(0)
      .to(1e3);
  t.add("vision_learning_rate", &O::vision_learning_rate, "Peak rate of the encoder, adapters included.")
      .from(0)
      .to(1e3);
  t.add("projector_learning_rate", &O::projector_learning_rate, "Peak rate of the projector.").from(0).to(1e3);
  t.add("language_learning_rate", &O::language_learning_rate,
        "Peak rate of the decoder, its embedding, head and adapters included.")
      .from(0)
      .to(1e3);
  t.add("lr_scheduler_type", &O::lr_scheduler_type, "Shape of the learning rate over all optimiser steps.")
      .one_of({"linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup", "wsd"});
  t.add("num_warmup_steps", &O::num_warmup_steps, "Above 1: steps. At most 1: share of all optimiser steps.")
      .from(0)
      .to(1e12);
  t.add("weight_decay", &O::weight_decay, "Decoupled decay; not of biases, norms and other 1-D tensors.")
      .from(0)
      .to(1e3);
  // quote: row
  t.add("max_grad_norm", &O::max_grad_norm, "Gradients are scaled down to this global norm; 0: never.").from(0);
  // end of quote
  t.add("adam_beta1", &O::adam_beta1, "Decay of the first moment.").from(0).to(0.999999);
  t.add("adam_beta2", &O::adam_beta2, "Decay of the second moment.").from(0).to(0.99999999);
  t.add("adam_epsilon", &O::adam_epsilon, "Added to the root of the second moment after bias correction.").above(0);
  t.add("gradient_checkpointing", &O::gradient_checkpointing,
        "Keep only the blocks' inputs and compute the rest again in the backward pass: less memory, same numbers.")
      .differs_freely();
  t.add("seed", &O::seed, "Of every random number.").from(0).to(4294967295.0);
  t.add("eval_step", &O::eval_step, "Evaluate after every N optimiser steps and at the end; 0: never.")
      .from(0)
      .differs_freely();
}

inline void run(Table& t) {
  t.group = "Run", t.may_differ = true;
  t.add("output_dir", &O::output_dir,
        "Where everything is written; must be new or empty, unless `from_checkpoint` goes on with what is there.")
      .reads("required for training");
  t.add("config", &O::config, "JSON object with options by name, or a run's receipt.json; the command line wins.");
  t.add("num_threads", &O::num_threads, "Threads that compute; 0: all cores.").from(0).to(1024);
  t.add("num_workers", &O::num_workers, "Threads that read ahead; 0: all cores but one, at least 1.").from(0).to(1024);
  t.add("log_step", &O::log_step, "A line in the log after every N steps.").from(1);
  t.add("log_format", &O::log_format, "Of progress and errors.").one_of({"text", "json"});
  t.add("loader_timeout_s", &O::loader_timeout_s, "A sample that takes longer to load ends the run.").above(0).to(1e6);
  t.add("comm_timeout_s", &O::comm_timeout_s,
        "Processes that wait longer for one of them end the run, and say what each was doing.")
      .above(0)
      .to(1e6);
  t.add("local_rank", &O::local_rank,
        "Rank on this machine, which decides which of its cores are whose; -1: from the launcher.")
      .from(-1)
      .to(65535);
  t.add("zero_stage", &O::zero_stage, "What the processes share: 0 nothing, 1 optimiser state, 2 gradients, 3 weights.")
      .from(0)
      .to(3);
  t.add("offload", &O::offload,
        "Optimiser state and master weights live off the device: on a CPU in files in `output_dir`, which end with the "
        "run. Same numbers, less memory.");
  t.add("save_step", &O::save_step,
        "A checkpoint after every N optimiser steps and at the end of every epoch; 0: at the ends of epochs only.")
      .from(0);
  t.add("keep", &O::keep, "How many checkpoints stay: the newest.").from(1);
  t.add("keep_epochs", &O::keep_epochs, "How many models of epochs (`epoch-K`) stay: the newest; 0: all.").from(0);
  t.add("keep_best", &O::keep_best,
        "`loss`: the model of the evaluation with the lowest loss so far is in `best`, beside those of epochs.")
      .one_of({"off", "loss"});
  t.add("early_stop", &O::early_stop, "So many evaluations without a lower loss end the run; 0: none does.").from(0);
  t.add("enable_tensorboard", &O::enable_tensorboard,
        "Event files for TensorBoard in `output_dir/tb_logging`: curves, options, pictures with answers.");
  t.add("cache_vision_features", &O::cache_vision_features,
        "Features of a frozen encoder are computed once: later epochs find them in memory, or on disk in "
        "`output_dir/vision_features`. The same numbers.")
      .one_of({"off", "memory", "disk"});
  t.add(
       "vision_cache_bytes", &O::vision_cache_bytes,
       "Room for those features: of each process in memory, of all on disk. Pictures beyond it are computed each time.")
      .from(0);
}

inline void limits(Table& t) {
  t.group = "Limits of input";
  t.add("limit_json_depth", &O::limit_json_depth, "Nesting of a data file.").from(4).to(1000);
  t.add("limit_record_bytes", &O::limit_record_bytes, "Bytes of a record.").from(1);
  t.add("limit_text_bytes", &O::limit_text_bytes, "Bytes of one turn's text.").from(1);
  t.add("limit_turns", &O::limit_turns, "Questions and answers of a record.").from(2);
  t.add("limit_path_bytes", &O::limit_path_bytes, "Bytes of an image's name.").from(1).to(4095);
  t.add("limit_image_bytes", &O::limit_image_bytes, "Bytes of an image file.").from(1);
  t.add("limit_image_side", &O::limit_image_side, "Pixels of an image's longer side.").from(1).to(32768);
  t.add("limit_image_pixels", &O::limit_image_pixels, "Pixels of an image.").from(1);
  t.add("limit_decode_bytes", &O::limit_decode_bytes, "Bytes that all decoders may hold together.").from(1);
  t.add("limit_jpeg_scans", &O::limit_jpeg_scans, "Scans of a progressive JPEG.").from(1).to(1e6);
  t.add("limit_png_chunks", &O::limit_png_chunks, "Chunks of a PNG.").from(1).to(1e9);
  t.add("limit_image_seconds", &O::limit_image_seconds, "Seconds of one core for one image.").above(0).to(1e6);
  add_read_limits(t);
}

inline void jobs(Table& t) {
  t.group = jobs_group;
  t.add("plan", &O::plan, "Print bytes, FLOPs and parameters; no weights are read, nothing is allocated.");
  t.add("ranks", &O::ranks,
        "With `plan`: for so many processes, which need not be there; prints the memory of each for `zero_stage` 0 to "
        "3.")
      .from(0)
      .to(65536);
  t.add("network_gbit", &O::network_gbit,
        "With `ranks`: also simulates the time of a step, where so many Gbit/s arrive at each process.")
      .from(0)
      .to(1e6);
  t.add("peak_tflops", &O::peak_tflops,
        "With `network_gbit`: what a process computes, in TFLOP/s; 0: what this machine can at most.")
      .from(0)
      .to(1e6);
  t.add("validate_only", &O::validate_only, "Audit the data, then stop.");
  t.add("eval_only", &O::eval_only, "Evaluate the model on the evaluation share, then stop.");
  t.add("print_limits", &O::print_limits, "Print the limits that input must keep, then stop.");
  t.add("print_options_md", &O::print_options_md, "Print this list as Markdown, then stop.");
  t.add("explain", &O::explain, "Explain an error code, then stop.");
  t.add("help", &O::help, "Print the names of the options, or explain one, or a group of them, or `all`; then stop.");
  t.add("version", &O::version, "Print the version and what this program was built with, then stop.");
}

// What people who come from other trainers type, and what it is called here.
inline void elsewhere(Table& t) {
  t.elsewhere = {
      {"lr", "--learning_rate"},
      {"bf16", "--precision bf16"},
      {"fp16", "--precision fp16"},
      {"mixed_precision", "--precision"},
      {"torch_dtype", "--precision"},
      {"model_name_or_path", "--lm_model_name_or_path"},
      {"model", "--lm_model_name_or_path"},
      {"vision_tower", "--vision_model_name_or_path"},
      {"mm_projector_type", "--vis_proj"},
      {"mm_vision_select_layer", "--vision_feature_layer"},
      {"mm_vision_select_feature", "--vision_feature_select"},
      {"dataset", "--data_path"},
      {"train_file", "--data_path"},
      {"image_dir", "--image_folder"},
      {"media_dir", "--image_folder"},
      {"val_size", "--data_train_split_ratio (1 - val_size)"},
      {"cutoff_len", "--max_seq_len"},
      {"max_length", "--max_seq_len"},
      {"model_max_length", "--max_seq_len"},
      {"max_seq_length", "--max_seq_len"},
      {"batch_size", "--per_device_train_batch_size"},
      {"epochs", "--num_train_epochs"},
      {"num_epochs", "--num_train_epochs"},
      {"grad_accum", "--gradient_accumulation_steps"},
      {"warmup_steps", "--num_warmup_steps"},
      {"warmup_ratio", "--num_warmup_steps (at most 1: a share of all steps)"},
      {"lr_scheduler", "--lr_scheduler_type"},
      {"gradient_clipping", "--max_grad_norm"},
      {"clip_grad_norm", "--max_grad_norm"},
      {"lora_r", "--lang_lora_dim"},
      {"lora_rank", "--lang_lora_dim"},
      {"lora_dim", "--lang_lora_dim"},
      {"lora_target", "--lang_lora_module_name"},
      {"lora_target_modules", "--lang_lora_module_name"},
      {"target_modules", "--lang_lora_module_name"},
      {"logging_steps", "--log_step"},
      {"eval_steps", "--eval_step"},
      {"save_steps", "--save_step"},
      {"save_total_limit", "--keep"},
      {"resume_from_checkpoint", "--from_checkpoint auto"},
      {"report_to", "--enable_tensorboard"},
      {"dataloader_num_workers", "--num_workers"},
      {"deepspeed", "--zero_stage (and docs/scaling.md)"},
      {"output", "--output_dir"},
      {"do_eval", "--eval_step"},
      {"chat_template", "--template"},
  };
}

}  // namespace sft_rows

// projectors: the choices of --vis_proj.
inline OptionTable<SftOptions> sft_option_table(const Words& projectors) {
  OptionTable<SftOptions> t;
  t.rows.reserve(128);
  sft_rows::data(t);
  sft_rows::model(t, projectors);
  sft_rows::tuning(t);
  sft_rows::optimisation(t);
  sft_rows::run(t);
  sft_rows::limits(t);
  sft_rows::jobs(t);
  sft_rows::elsewhere(t);
  return t;
}

}  // namespace vlt::program
