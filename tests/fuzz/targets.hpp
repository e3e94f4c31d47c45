#pragma once
#include <fuzz/target.hpp>

namespace vlt::fuzz {

void records(std::string_view bytes);
void picture(std::string_view bytes);
void chat_template(std::string_view bytes);
void tokenizer_json(std::string_view bytes);
void tokenizer_model(std::string_view bytes);
void words(std::string_view bytes);
void safetensors(std::string_view bytes);
void config_json(std::string_view bytes);
void adapter_config(std::string_view bytes);
void vltune_json(std::string_view bytes);
void options(std::string_view bytes);
void checkpoint_manifest(std::string_view bytes);
void run_state(std::string_view bytes);

inline constexpr Target targets[] = {
    {"records", records, "",
     R"(" { } [ ] , : null true -1 1e400 \u0000 \ud800 "id" "image" "conversations" "from" <image>)"},
    {"picture", picture, "golden/images"},
    {"chat_template", chat_template, "", R"({image} {text} {system} <image> " \n "end" "user" "mark")"},
    {"tokenizer_json", tokenizer_json, "", R"(" { } [ ] , : null -1 2147483647 1e400 "Replace" "NFC" "Split" "a" "")"},
    {"tokenizer_model", tokenizer_model},
    {"words", words, "", "\u0301 \u2581 <s> \U0001F408 a\u0308 's \xff 1"},
    {"safetensors", safetensors, "", R"(" { } [ ] , : null -1 18446744073709551615 1.5 F64 __metadata__ \u0000)"},
    {"config_json", config_json, "",
     R"(" { } , : null 0 -1 1e400 9007199254740993 9223372036854775807 "llama" "clip")"},
    {"adapter_config", adapter_config, "", R"(" { } [ ] , : null 0 -1 1e400 true "LORA" "target_modules")"},
    {"vltune_json", vltune_json, "", R"(" { } , : null 0 -1 1e400 9223372036854775807 "template")"},
    {"options", options, "",
     "-- = \n \n\n --seed --config --lora_alpha 1e400 nan -1 9223372036854775807 { \" : , null [ ]"},
    {"checkpoint_manifest", checkpoint_manifest, "", R"(" { } [ ] , : null 0 -1 9223372036854775807 "bf16" .. /)"},
    {"run_state", run_state, "", R"(" { } [ ] , : null 0 -1 1e400 NaN 9223372036854775807 "updates" "loss")"},
};

}  // namespace vlt::fuzz
