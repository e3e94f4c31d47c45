#!/bin/bash
# The main job from nothing: install, build, draw pictures, train a small vision-language model on them, ask it about
# pictures it has never seen. Usage: bash examples/shapes_demo.sh [folder]  (build/shapes; its old content is replaced)
#   VLT_SEED=N        another seed draws another data set            VLT_JOBS=N    compilers side by side
#   VLT_BIN=DIR       programs that are built already                VLT_DEMO=short   fewer pictures, once: a minute
#   VLT_INSTALL=OFF   look for what is missing, install nothing      VLT_BUILD=DIR where to build (build)
set -eu -o pipefail
cd "$(dirname "$0")/.."
build=${VLT_BUILD:-$PWD/build} out=${1:-$PWD/build/shapes} seed=${VLT_SEED:-1}
records=30000 epochs=3 precision=bf16 least=85 most=50
if [ "${VLT_DEMO:-}" = short ]; then records=10000 epochs=2 precision=fp32 least=60 most=40; fi
started=$SECONDS
step() { printf '\n== %s  [%d:%02d]\n' "$1" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)); }

cat <<'INTRODUCTION'
VLTune learns to answer questions about pictures: colours, shapes, counts, positions, and what is left of what.
On 2 cores this takes about 7 minutes: 1 to install, 2 to build, 4 to train, less than 1 to draw and to answer. It
needs 2 GB of memory (the compiler; training takes 0.2 GB) and 0.5 GB of disk.
INTRODUCTION

programs=${VLT_BIN:-}
if [ -z "$programs" ]; then
  step "Installing what the build needs"
  cmake_arguments="$(bash tests/install.sh build) ${VLT_CMAKE_ARGUMENTS:-}"

  step "Building the programs, with only those kinds of model that are needed here"
  cmake --preset programs -B "$build/demo" $cmake_arguments -DVLT_SFT_PRECISIONS=bf16 -DVLT_SFT_MASKS=causal \
    -DVLT_SFT_PROJECTORS=baseline -DVLT_SFT_TUNINGS=trainable >/dev/null
  cmake --build "$build/demo" -j "$(sh tests/jobs.sh)" --target sft_main generate_main make_shapes_dataset
  programs=$build/demo/bin
fi

step "Drawing pictures and writing questions"
mkdir -p "$out"
rm -rf "$out/data" "$out/model" "$out/answers.jsonl"
"$programs/make_shapes_dataset" --output_dir "$out/data" --records $records --test_records 500 --seed "$seed"

step "Training"
"$programs/sft_main" --data_path "$out/data/train.json" --image_folder "$out/data/images" \
  --vision_model_name_or_path "$out/data/vision_model" --lm_model_name_or_path "$out/data/language_model" \
  --output_dir "$out/model" --seed "$seed" --precision $precision --template plain --is_sft_stage \
  --vis_encoder_update --lang_decoder_update --learning_rate 1e-3 --learning_rate_pretraining_components 1e-3 \
  --num_train_epochs $epochs --per_device_train_batch_size 8 --per_device_eval_batch_size 32 --num_warmup_steps 100 \
  --data_train_split_ratio 0.99 --eval_step 1000 --log_step 100

model=$(ls -d "$out"/model/epoch-* | sort -V | tail -n 1)
answer() { "$programs/generate_main" --model "$model" --image_folder "$out/data/images" "$@"; }

step "Answering about pictures that were not in the training"
answer --data_path "$out/data/test.json" --output "$out/answers.jsonl" --show 0 | tee "$out/answers.txt"
echo "The first questions about ten of the pictures in $out/data/images:"
grep -m 10 '"turn": 0, "images": \["' "$out/answers.jsonl" | sed -E \
  's/.*"images": \[(.*)\], "question": "(<image>\\n)*(.*)", "answer": "(.*)", "expected": "(.*)", "exact": .*/  \1  \3\n      \4   (right: \5)/'

step "The same questions with the pictures permuted: a model that looks does worse"
answer --data_path "$out/data/test.json" --permute_images --show 0 | tee "$out/permuted.txt"

step "Done"
score() { sed -n 's/^exact match \([0-9.]*\) %.*/\1/p' "$1"; }
echo "report: $out/model/report.html    all answers: $out/answers.jsonl"
echo "exactly right: $(score "$out/answers.txt") % (at least $least expected), permuted: $(score "$out/permuted.txt") % (below $most)"
awk -v right="$(score "$out/answers.txt")" -v permuted="$(score "$out/permuted.txt")" -v least=$least -v most=$most \
  'BEGIN { exit !(right != "" && permuted != "" && right >= least && permuted < most) }'
