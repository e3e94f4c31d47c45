#!/bin/sh
# Trains, evaluates and asks a model whose projector and decoder are the project's own. Usage: own_programs.sh BIN DIR
# BIN has own_sft and own_generate; DIR/data is a shapes data set whose language model own_model.py has changed.
set -eu
bin=$1 dir=$2
fail() { echo "own_programs: $1"; exit 1; }
sft() {
  "$bin/own_sft" --data_path "$dir/data/train.json" --image_folder "$dir/data/images" --template plain "$@"
}
from_nothing="--vision_model_name_or_path $dir/data/vision_model --lm_model_name_or_path $dir/data/language_model
  --is_sft_stage --vis_encoder_update --lang_decoder_update --learning_rate 1e-3
  --data_train_split_ratio 0.9 --per_device_train_batch_size 8 --eval_step 45 --num_train_epochs 1 --precision fp32"

"$bin/own_sft" --help vis_proj | grep -q norm_first || fail "--help does not list the projector"
sft $from_nothing --vis_proj nonsense >"$dir/log" 2>&1 && fail "a projector that is not there is accepted"
grep -q norm_first "$dir/log" || fail "the refusal does not list the projector"
sft $from_nothing --vis_proj norm_first --plan | tee "$dir/plan"
grep -q activations "$dir/plan" || fail "the plan has no line of activations"

rm -rf "$dir/run"
sft $from_nothing --vis_proj norm_first --output_dir "$dir/run"
model=$dir/run/epoch-0
for file in metrics.jsonl receipt.json report.html epoch-0; do [ -e "$dir/run/$file" ] || fail "there is no $file"; done
grep -rq '"previous_token"' "$model" || fail "the export does not name the family"
grep -rq norm_first "$model" || fail "the export does not name the projector"

# The number behind "eval_loss" of the last line that has one.
eval_loss() { sed -n 's/.*"eval_loss": *\([0-9.]*\).*/\1/p' "$1" | tail -n 1; }
sft --from_checkpoint "$model" --eval_only --data_train_split_ratio 0.9 --precision fp32 >"$dir/evaluation"
[ -n "$(eval_loss "$dir/evaluation")" ] || fail "--eval_only prints no loss"
echo "evaluation $(eval_loss "$dir/run/metrics.jsonl") at the end of the training, $(eval_loss "$dir/evaluation") read back"
awk -v a="$(eval_loss "$dir/run/metrics.jsonl")" -v b="$(eval_loss "$dir/evaluation")" \
  'BEGIN { exit !(a > 0 && b > 0 && a - b < 1e-5 * a && b - a < 1e-5 * a) }' || fail "what was read back says something else"

"$bin/own_generate" --model "$model" --image_folder "$dir/data/images" --data_path "$dir/data/test.json" \
  --max_records 10 | tee "$dir/answers"
grep -q '^exact match' "$dir/answers" || fail "no answers"
