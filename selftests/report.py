"""What the tests of all stages said: one line per test, as it comes, and the sum at the end."""
import collections
import contextlib
import re
import subprocess
import sys
import threading

TOOK = re.compile(r"^# (?P<name>\w+): (?P<seconds>\d+) s, unreclaimable")
RESULT = re.compile(r"^(?P<indent>\s*)(?P<no>not )?ok \d+ ?(?:- )?(?P<name>[^#]*?)\s*(?:# (?P<note>.*))?$")


STATUSES = ("passed", "failed", "skipped")


class Tally:
    """Stages that run at the same time share it: what belongs together is written at once."""

    def __init__(self):
        self.lock, self.results = threading.Lock(), []      # of results: who told it, the test's name, its status
        self.took = {}                                      # seconds by program

    def say(self, text):
        with self.lock:
            print(text, flush=True)

    def tell(self, name, ok, note="", why="", who=None):
        """A test's result; `why` is what to show before it if it failed."""
        skipped = ok and note.upper().startswith("SKIP")
        why = "" if ok else why.rstrip("\n") + "\n" if why else ""
        with self.lock:
            self.results.append((who, name, "skipped" if skipped else "passed" if ok else "failed"))
            print(f"{why}{'ok' if ok else 'not ok'} {name}{' # ' + note if note else ''}", flush=True)

    def forget(self, who):
        """What this one told does not count: it is done again."""
        with self.lock:
            self.results = [result for result in self.results if result[0] is not who]

    def status(self, name):
        return dict(result[1:] for result in self.results).get(name)

    def counted(self, *prefixes):
        """Of the tests whose names begin so: "3 passed, 1 failed"."""
        counts = collections.Counter(status for _, name, status in self.results if name.startswith(prefixes))
        return ", ".join(f"{counts[word]} {word}" for word in STATUSES if counts[word])

    def end(self):
        counts = collections.Counter(status for *_, status in self.results)
        print(", ".join(f"{counts[word]} {word}" for word in STATUSES), flush=True)
        sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


class Reader:
    """Turns KTAP with subtests, as l1/all.sh prints it, into one line per test."""

    def __init__(self, tally, prefix):
        self.tally, self.prefix = tally, prefix
        self.program, self.planned, self.bad, self.seen, self.said = "", None, 0, 0, []
        self.bailed, self.took = False, {}

    def line(self, text):
        text = text.rstrip("\n")
        if text.startswith("lab: lab-fault"):
            self.tally.say(f"# {text}: what this boot said does not count")
            self.tally.forget(self)
        if text.startswith("# Subtest: "):
            self.program, self.bad, self.seen, self.said, self.planned = text[11:], 0, 0, [], None
            return
        if took := TOOK.match(text):
            self.took[f"{self.prefix}{took['name']}"] = int(took["seconds"])
        plan = re.match(r"^\s+1\.\.(\d+)", text)
        if plan:
            self.planned = int(plan[1])
        if text.lstrip().startswith("Bail out!"):
            self.bailed = True
        result = RESULT.match(text)
        if not result:
            self.said.append(text)
            return
        name, ok, note = result["name"], not result["no"], result["note"] or ""
        if result["indent"]:
            self.subtest(name, ok, note)
        else:
            self.whole(name, ok, note)
        self.said = []

    def subtest(self, name, ok, note):
        self.seen += 1
        self.bad += not ok
        self.tell(f"{self.prefix}{self.program}.{name}", ok, note)

    def tell(self, name, ok, note):
        self.tally.tell(name, ok, note, "\n".join(self.said[-20:]), self)

    def whole(self, name, ok, note):
        """A program's own verdict counts when its subtests do not explain it."""
        lost = self.planned is not None and self.seen != self.planned
        if not self.seen or lost or not ok and not self.bad:
            self.tell(f"{self.prefix}{name}", ok and not lost,
                      note or (f"{self.seen} of {self.planned} tests ran" if lost else ""))
        self.program, self.seen, self.planned = "", 0, None


class Commands:
    """What stages have started and is still running; ended with this run."""

    def __init__(self):
        self.lock, self.running = threading.Lock(), set()

    @contextlib.contextmanager
    def start(self, argv, **more):
        with self.lock:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       text=True, errors="replace", **more)
            self.running.add(process)
        try:
            yield process
        finally:
            with self.lock:
                self.running.discard(process)
            if process.poll() is None:      # this run is ended
                process.terminate()
                process.wait()

    def end(self):
        with self.lock:
            for process in self.running:
                process.terminate()


commands = Commands()


def follow(argv, reader=lambda line: None, **more):
    """Runs a command, gives each line to the reader as it comes. Returns the exit code and the lines."""
    lines = []
    with commands.start(argv, **more) as process:
        for line in process.stdout:
            lines.append(line)
            reader(line)
        return process.wait(), lines
