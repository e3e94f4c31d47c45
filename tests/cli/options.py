#!/usr/bin/env python3
"""Every option of sft_main must do something: runs pairs of tiny trainings and says what differs between them.

usage: options.py FOLDER_OF_PROGRAMS [DOCS_OPTIONS_MD]
The list of options is the program's own (--print_options_md); an option without a test here is a failure.
"""
import data_and_model_options, feature_cache_options, plan_options, state_options, training_options, sft_runs
from sft_runs import *


def documented():
    """docs/options.md is what the programs print."""
    text = "".join(subprocess.run([os.path.join(BIN, p), "--print_options_md"], capture_output=True, text=True).stdout
                   for p in ("sft_main", "generate_main", "merge_lora"))
    assert open(sys.argv[2]).read() == text, "print --print_options_md of the three programs into it"


def main():
    printed = subprocess.run([SFT, "--print_options_md"], capture_output=True, text=True).stdout
    names = [l.split("`")[1] for l in printed.splitlines() if l.startswith("| `")]
    cases = {n: TESTS.get(n) for n in names}
    if len(sys.argv) > 2:
        cases["docs/options.md"] = documented
    failed = 0
    for name, f in cases.items():
        try:
            assert f, "this option has no test"
            f()
        except Exception as e:
            failed += 1
            print("FAIL %s: %s" % (name, e if isinstance(e, AssertionError) and str(e) else repr(e)))
    for name in sorted(set(TESTS) - set(names)):
        failed += 1
        print("FAIL %s: there is no such option" % name)
    print("%d passed, %d failed (%d runs of sft_main)" % (len(cases) - failed, failed, sft_runs.runs))
    shutil.rmtree(WORK)
    return failed > 0


sys.exit(main())
