#!/bin/bash
# Runs sft_main --validate_only on every malformed data set of make_data_cases.py and compares exit code and message.
# Usage: data_cases.sh SFT_MAIN LANGUAGE_MODEL VISION_MODEL
set -u
program=$1 language=$2 vision=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 "$(dirname "$0")/make_data_cases.py" "$folder/d" || exit 1
passed=0 failed=0

# Does the text match every one of the expressions, which have " & " between?
says_all() {
  local text=$1 rest="$2 & " part
  while [ -n "$rest" ]; do
    part=${rest%% & *} rest=${rest#* & }
    grep -qP -- "$part" <<<"$text" || return 1
  done
}
# check NAME WANTED_EXIT SAYS ARGUMENTS...
check() {
  local name=$1 wanted=$2 says=$3 said code
  shift 3
  said=$(timeout 20 "$program" --validate_only --precision fp32 --template plain --image_folder "$folder/d/images" \
    --lm_model_name_or_path "$language" --vision_model_name_or_path "$vision" "$@" 2>&1)
  code=$?
  if [ $code -eq "$wanted" ] && says_all "$said" "$says"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAIL %s: exit %s, wanted %s and "%s"\n%s\n' "$name" $code "$wanted" "$says" "${said:0:2000}"
  fi
}

while IFS=$'\t' read -r name kind data says options; do
  case $kind in
    ok) check "$name" 0 "$says" --data_path "$data" $options ;;
    bad)
      check "$name (fail)" 3 "$says" --data_path "$data" $options
      check "$name (skip)" 0 'records = 1 used \+ 1 bad' --data_path "$data" $options \
        --on_bad_sample skip --max_bad_fraction 1
      ;;
    *) check "$name" "$kind" "$says" --data_path "$data" $options ;;
  esac
done <"$folder/d/cases"
echo "data cases: $passed passed, $failed failed"
[ $failed -eq 0 ]
