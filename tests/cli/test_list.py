"""Runs the functions of a test file and counts them."""


def run(tests):
    """Calls each; one that throws has failed, and is named with its reason. Returns how many failed."""
    failed = 0
    for f in tests:
        try:
            f()
        except Exception as e:
            failed += 1
            print("FAIL %s: %s" % (f.__name__, e if isinstance(e, AssertionError) and str(e) else repr(e)))
    print("%d passed, %d failed" % (len(tests) - failed, failed))
    return failed
