"""KTAP for tests in Python: each test is a function whose name says the behaviour it expects.

    raise Failure("why")       the test fails
    raise Skip("why")          it does not apply here
"""
import time
import traceback


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def say(text):
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def check(truth, reason):
    if not truth:
        raise Failure(reason)


def one_line(error):
    return " ".join(str(error).split())[:300] or type(error).__name__


def judge(test, after):
    """(result, reason) of one test; `after` looks at what every test must leave behind."""
    try:
        test()
        result, reason = "pass", ""
    except Skip as error:
        result, reason = "skip", one_line(error)
    except Failure as error:
        result, reason = "fail", one_line(error)
    except Exception as error:          # a broken test or lab is a failed test, and says where
        say(traceback.format_exc())
        result, reason = "fail", f"{type(error).__name__}: {one_line(error)}"
    try:
        after(result)
    except Failure as error:
        result, reason = "fail", f"{reason}; {error}".lstrip("; ")
    return result, reason


def run(tests, after):
    """Run tests in order; returns how many failed."""
    counts = {"pass": 0, "fail": 0, "skip": 0}
    print(f"KTAP version 1\n1..{len(tests)}", flush=True)
    for number, test in enumerate(tests, 1):
        started = time.monotonic()
        result, reason = judge(test, after)
        counts[result] += 1
        say(f"{test.__name__}: {time.monotonic() - started:.1f} s")
        line = f"{'not ok' if result == 'fail' else 'ok'} {number} - {test.__name__}"
        print(line + {"pass": "", "fail": f" # {reason}", "skip": f" # SKIP {reason}"}[result], flush=True)
    print("# Totals: " + " ".join(f"{name}:{count}" for name, count in counts.items()), flush=True)
    return counts["fail"]
