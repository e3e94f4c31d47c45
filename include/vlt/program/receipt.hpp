#pragma once
#include <chrono>
#include <vlt/image/decode.hpp>
#include <vlt/io/file_hash.hpp>
#include <vlt/io/pretty_json.hpp>
#include <vlt/options/option_pages.hpp>
#include <vlt/program/sft_job.hpp>

namespace vlt::program {

// receipt.json: every option as resolved, what the program is, and hashes of the small files that decide the result.
inline void write_receipt(const SftJob& job) {
  boost::json::object hashes;
  for (const std::string& path : job.settings.data.data_path) hashes[path] = file_hash(open_file(path, blame_data));
  const ModelFolders& f = job.model.folders;
  for (const std::string& path :
       {f.language + "/config.json", f.language + "/tokenizer.json", f.vision + "/config.json"})
    if (std::filesystem::exists(path)) hashes[path] = file_hash(open_file(path));
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto& split = job.data->split;
  const auto number = [](auto n) { return boost::json::value(std::int64_t(n)); };
  boost::json::object receipt;
  boost::json::array ranks;
  receipt["program"] = "sft_main", receipt["version"] = job.compiled.version;
  receipt["instruction_set"] = instruction_set(), receipt["compiler"] = __VERSION__;
  receipt["image_decoders"] = image::ImageDecoder::id();
  receipt["unix_time"] = number(now.count());
  receipt["threads"] = number(job.threads->count()), receipt["workers"] = number(job.settings.loader.workers);
  for (const dist::Seat& s : job.seats)
    ranks.push_back(
        boost::json::object{{"machine", s.machine}, {"local_rank", s.local_rank}, {"cores", shown_cores(s.cores)}});
  receipt["ranks"] = std::move(ranks);
  receipt["template"] = data::template_object(job.model.chat_template);
  const image::PictureRules pictures = job.model.pictures();
  receipt[pictures.vary() ? "tokens_per_tile" : "tokens_per_image"] = number(pictures.min_tokens());
  if (pictures.vary()) {
    receipt["most_tokens_per_image"] = number(pictures.max_tokens());
    receipt["most_tiles_per_image"] = number(pictures.max_tiles());
  }
  receipt["records"] = boost::json::object{{"train", number(split.train.size())},
                                           {"eval", number(split.eval.size())},
                                           {"not_selected", number(split.not_selected)}};
  if (const auto& joined = job.data->data().joined; !joined.empty()) receipt["conversations"] = number(joined.size());
  receipt["options"] = options_json(job.table, job.options), receipt["hashes"] = std::move(hashes);
  write_file(job.output->file("receipt.json"), pretty_json(receipt));
}

}  // namespace vlt::program
