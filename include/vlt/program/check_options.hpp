#pragma once
#include <algorithm>
#include <set>
#include <vlt/options/option_table.hpp>
#include <vlt/pretrained/exported_model.hpp>
#include <vlt/program/options.hpp>

namespace vlt::program {

// What a table cannot say about one option alone: work that is not built yet, options that are missing, and options
// that contradict each other. All that is wrong is said at once.
class SftOptionCheck {
 public:
  SftOptionCheck(const OptionTable<SftOptions>& table, const SftOptions& o) : table_(table), o_(o) {}

  void operator()() {
    not_built();
    jobs();
    if (!o_.data_path.empty()) data();
    else if (!o_.plan) needed({}, "data_path");
    adapters();
    evaluations();
    frozen_tower();
    if (o_.model_architecture != "default") llava();
    if (o_.model_architecture == "default" && (o_.from_checkpoint.empty() || o_.from_checkpoint == Words{"auto"}))
      both_halves();
    refuse();
  }
  // The folders that a model is put together from.
  void need_both_halves() { both_halves(), refuse(); }

  // Where features are kept, an encoder that does not train.
  void need_frozen_tower() { frozen_tower(), refuse(); }

 private:
  const OptionTable<SftOptions>& table_;
  const SftOptions& o_;
  std::vector<Complaint> wrong_;

  void refuse() const {
    if (wrong_.empty()) return;
    if (wrong_.size() == 1) refuse_option(wrong_.front());
    std::string all;
    for (const Complaint& c : wrong_)
      all += (all.empty() ? "" : "\n") + c.place() + ": " + c.what() + (c.help().empty() ? "" : "; " + c.help());
    refuse_option(Complaint(wrong_.front().code(), std::to_string(wrong_.size()) + " options are missing or wrong")
                      .at("command line")
                      .expected("options that go together, and all that are required")
                      .found(all)
                      .help("--help NAME explains each of them"));
  }
  void wrong(Complaint c) { wrong_.push_back(std::move(c)); }
  void conflict(const std::string& option, const std::string& what, const std::string& help = {}) {
    wrong(Complaint("OPT-CONFLICT-009", what)
              .at("--" + option)
              .expected("options that go together")
              .found("`--" + option + "` beside others that exclude it")
              .help(help));
  }
  void needed(const std::string& value, const std::string& option) {
    if (value.empty()) wrong(missing_option("--" + option));
  }
  void both_halves() {
    needed(o_.lm_model_name_or_path, "lm_model_name_or_path");
    needed(o_.vision_model_name_or_path, "vision_model_name_or_path");
  }
  void frozen_tower() {
    if (o_.cache_vision_features == "off" || (!o_.vis_encoder_update && o_.vis_lora_dim == 0)) return;
    conflict("cache_vision_features", "the encoder trains: its features are others after every step",
             std::string("leave it out, or ") + (o_.vis_encoder_update ? "--vis_encoder_update" : "--vis_lora_dim"));
  }
  void not_built() {
    if (o_.device == "cuda")
      wrong(Complaint("OPT-LATER-008", "not built yet: this program computes on the CPU")
                .at("--device")
                .expected("its default")
                .found("another value")
                .help("leave --device out"));
  }
  void jobs() {
    if (int(o_.plan) + int(o_.validate_only) + int(o_.eval_only) > 1)
      conflict("plan", "only one of --plan, --validate_only and --eval_only can be asked for");
    if (o_.ranks > 0 && !o_.plan) conflict("ranks", "it belongs to --plan", "a training has the ranks of its launcher");
    if (o_.network_gbit > 0 && o_.ranks == 0) conflict("network_gbit", "it belongs to --plan --ranks N");
    if (o_.peak_tflops > 0 && o_.network_gbit == 0) conflict("peak_tflops", "it belongs to --network_gbit");
    if (!o_.plan && !o_.validate_only && !o_.eval_only) needed(o_.output_dir, "output_dir");
    const Words& from = o_.from_checkpoint;
    if (from.size() > (!from.empty() && from[0] == "auto" ? 2 : 1))
      wrong(Complaint("OPT-VALUE-003", "this option has too many values")
                .at("--from_checkpoint")
                .expected("a folder, or `auto`, or `auto` and a model folder")
                .found(option_text::joined(from)));
    if (!from.empty() && from[0] == "auto" && o_.eval_only)
      conflict("eval_only", "`--from_checkpoint auto` goes on with a training", "name the folder of a model (epoch-K)");
  }
  // One folder holds such a model, and says what its parts are.
  void llava() {
    const std::string mine = "it belongs to --model_architecture default; a LLaVA folder has its own";
    if (o_.from_checkpoint.empty()) wrong(missing_option("--from_checkpoint").expected("a LLaVA folder"));
    if (o_.from_checkpoint == Words{"auto"})
      wrong(missing_option("--from_checkpoint").expected("`auto` and a LLaVA folder"));
    if (!o_.lm_model_name_or_path.empty()) conflict("lm_model_name_or_path", mine);
    if (!o_.vision_model_name_or_path.empty()) conflict("vision_model_name_or_path", mine);
    if (o_.enable_mmca_attention)
      conflict("enable_mmca_attention", "LLaVA has ordinary attention",
               "leave it out, or use --model_architecture default");
  }
  void data() {
    const std::size_t files = o_.data_path.size();
    const auto fits = [&](const Words& words, const char* option) {
      if (words.size() != 1 && words.size() != files)
        conflict(option,
                 std::to_string(words.size()) + " values for " + std::to_string(files) + " files in --data_path",
                 "give one value, or one per file");
    };
    fits(o_.dataset_names, "dataset_names");
    fits(o_.dataset_samples, "dataset_samples");
    fits(o_.dataset_concatenate_samples, "dataset_concatenate_samples");
    const auto count = [&](const char* option, const std::string& word) {
      OptionRow<SftOptions> row = *table_.find(option);
      option_text::number<Index>(row.from(1).to(1e6), word, "--" + std::string(option));
    };
    for (const std::string& word : o_.dataset_samples)
      if (word != "all") count("dataset_samples", word);
    for (const std::string& word : o_.dataset_concatenate_samples) count("dataset_concatenate_samples", word);
  }
  void evaluations() {
    if (o_.eval_step > 0) return;
    const char* never = "--eval_step 0 asks for no evaluation";
    if (o_.early_stop > 0) conflict("early_stop", never, "leave one of them out");
    if (o_.keep_best != "off") conflict("keep_best", never, "leave one of them out");
  }
  void adapters() {
    const bool lora = o_.lang_lora_dim > 0 || o_.vis_lora_dim > 0;
    if (o_.only_optimize_lora && !lora && o_.from_checkpoint.empty())
      conflict("only_optimize_lora", "no LoRA was asked for", "add --lang_lora_dim or --vis_lora_dim");
    if (o_.only_optimize_lora && (o_.vis_encoder_update || o_.lang_decoder_update))
      conflict("only_optimize_lora", "it contradicts --vis_encoder_update and --lang_decoder_update");
    if (o_.lora_alpha && !lora)
      conflict("lora_alpha", "no LoRA was asked for", "add --lang_lora_dim or --vis_lora_dim");
    const auto idle = [&](const std::string& names, const std::string& usual, Index rank, const char* option) {
      if (names != usual && rank == 0) conflict(option, "the rank of these adapters is 0", "give the rank as well");
    };
    idle(o_.lang_lora_module_name, SftOptions{}.lang_lora_module_name, o_.lang_lora_dim, "lang_lora_module_name");
    idle(o_.vis_lora_module_name, SftOptions{}.vis_lora_module_name, o_.vis_lora_dim, "vis_lora_module_name");
  }
};

// Refuses options that say otherwise than the folder a training starts from.
inline void check_same_model(const SftOptions& o, const std::set<std::string>& given, const ExportedModel& e) {
  const ModelDescription& m = e.description;
  const auto differ = [&](const std::string& option, const std::string& asked, const std::string& stored) {
    if (given.contains(option) && asked != stored)
      refuse_option(Complaint("OPT-CHECKPOINT-019", "this contradicts the model in --from_checkpoint")
                        .at("--" + option)
                        .expected(stored)
                        .found(asked)
                        .help("leave the option out, or name another folder"));
  };
  if (o.model_architecture != m.architecture())
    refuse_option(Complaint("OPT-CHECKPOINT-019", "this contradicts the model in --from_checkpoint")
                      .at("--model_architecture")
                      .expected(m.architecture())
                      .found(o.model_architecture)
                      .help("say --model_architecture " + m.architecture()));
  differ("enable_mmca_attention", o.enable_mmca_attention ? "on" : "off", m.mask == MaskKind::mmca ? "on" : "off");
  differ("vis_proj", o.vis_proj, m.projector.name);
  differ("vision_feature_layer", std::to_string(o.vision_feature_layer), std::to_string(m.vision_feature_layer));
  differ("vision_feature_select", o.vision_feature_select, name(m.feature_select()));
  differ("max_seq_len", std::to_string(o.max_seq_len), std::to_string(m.max_seq_len));
  differ("lm_model_name_or_path", o.lm_model_name_or_path, m.folders.language);
  differ("vision_model_name_or_path", o.vision_model_name_or_path, m.folders.vision);
  const auto adapters = [&](const std::string& side, const AdapterChoice& a, Index rank) {
    if (a.rank == 0) return;
    differ(side + "_lora_dim", std::to_string(rank), std::to_string(a.rank));
    if (o.lora_alpha) differ("lora_alpha", number_text(*o.lora_alpha), number_text(a.alpha));
  };
  adapters("lang", e.language_adapters, o.lang_lora_dim);
  adapters("vis", e.vision_adapters, o.vis_lora_dim);
  if (!given.contains("template")) return;
  const text::TokenizerFolder& t = m.tokenizer_folder;
  const data::ChatTemplate asked =
      data::select_template(o.chat_template, data::template_tokens(*m.tokenizer, t.eos, t.bos));
  if (data::template_object(asked) != data::template_object(m.chat_template))
    differ("template", o.chat_template, m.template_name);
}

}  // namespace vlt::program
