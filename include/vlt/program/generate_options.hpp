#pragma once
#include <vlt/options/read_limit_options.hpp>
#include <vlt/program/program_options.hpp>

namespace vlt::program {

// Everything a user can ask generate_main for; the meaning of each member is in its row below.
struct GenerateOptions : ReadLimits {
  std::optional<std::string> help;
  std::string model, prompt, chat_template, image_folder, output, precision = "auto", config, log_format = "text";
  Words image, data_path;
  Index max_seq_len = 0, max_new_tokens = 128, seed = 1234, num_threads = 0, max_records = 0, show = 10;
  double temperature = 0, top_p = 1;
  bool permute_images = false, version = false, print_options_md = false;
};

inline OptionTable<GenerateOptions> generate_option_table() {
  using O = GenerateOptions;
  OptionTable<O> t;
  t.rows.reserve(32);
  t.group = "Model";
  t.add("model", &O::model,
        "Folder of a model that sft_main wrote (`epoch-K`), or of a Hugging Face LLaVA; adapters in it are used.")
      .reads("required");
  t.add("precision", &O::precision, "Of weights and activations; `auto`: bf16 where the processor has it.")
      .one_of({"auto", "fp16", "bf16", "fp32"});
  t.add("template", &O::chat_template,
        "Another template than the model was trained with; a Hugging Face LLaVA's is `llava` or `llava_next`.")
      .reads("the model's own");
  t.add("max_seq_len", &O::max_seq_len,
        "Longest question in tokens, with the turns before it and the pictures; 0: what the model was trained with.")
      .from(0)
      .to(1 << 30);
  t.group = "One question";
  t.add("image", &O::image, "Picture files, in the order in which the question names them.");
  t.add("prompt", &O::prompt,
        "The question; without it and without --data_path, questions are read from the terminal.");
  t.group = "A list of questions";
  t.add("data_path", &O::data_path,
        "Records as for sft_main: every question is answered, given the reference answers "
        "before it, and compared with its own.");
  t.add("image_folder", &O::image_folder, "Root of the records' image names.");
  t.add("output", &O::output, "JSON Lines file that receives every answer; must be new.");
  t.add("max_records", &O::max_records, "Only the first N records; 0: all.").from(0);
  t.add("show", &O::show, "How many answers are printed.").from(0);
  t.add("permute_images", &O::permute_images,
        "Gives each record the pictures of another one with as many: what is still right was guessed.");
  t.group = "Answers";
  t.add("max_new_tokens", &O::max_new_tokens, "Longest answer.").from(1).to(1 << 20);
  t.add("temperature", &O::temperature, "0: always the likeliest token; above: at random, flatter as it rises.")
      .from(0)
      .to(100);
  t.add("top_p", &O::top_p, "Draws from the likeliest tokens that have this share of the probability.").above(0).to(1);
  t.add("seed", &O::seed, "Of random draws.").from(0).to(4294967295.0);
  t.group = "Limits of input";
  add_read_limits(t);
  add_program_options(t);
  return t;
}

}  // namespace vlt::program
