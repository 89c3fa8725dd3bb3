#!/usr/bin/env python3
"""`queztl apply`, `save` and `check` with the module: from any configuration to any, all or nothing. KTAP.
Needs root and queztl.ko loaded."""
import collections
import fcntl
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import ktap
from ktap import check

BUILD = pathlib.Path(os.environ.get("QZ_BUILD", HERE.parents[1] / "build"))
QUEZTL = os.environ.get("QZ_USER_QUEZTL", str(BUILD / "userspace/queztl"))
HOOK = HERE.parents[1] / "userspace/libvirt/queztl"
os.environ["PATH"] = f"{pathlib.Path(QUEZTL).parent}:{os.environ['PATH']}"      # the hook finds it there
RUN = pathlib.Path("/run/queztl")
PREFIX = "qtc"                              # of all that is made here
CONFIGURATIONS, KILLS = 200, 60
SLOW = pathlib.Path("/sys/kernel/debug/kmemleak").exists()


def queztl(*words, code=0):
    done = subprocess.run([QUEZTL, *map(str, words)], text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    check(done.returncode == code, f"queztl {' '.join(map(str, words))}: exit {done.returncode}, not {code}: {done.stderr}")
    return done.stderr if code else done.stdout


# -- random configurations --------------------------------------------------------------------------------------------
def draw_port(draw, number, ports, fabrics, whole):
    fabric = fabrics[number % len(fabrics)]             # so there are peers in the same one
    mates = [p for p in range(ports) if p != number and p % len(fabrics) == number % len(fabrics)]
    lines = [f"fabric = {fabric}"]

    def maybe(text, often=0.5, kept=False):
        """A setting; kept: one that stays as it is if it is not said."""
        if draw.random() < often or (kept and whole):
            lines.append(text)

    maybe(f'mac = "52:54:00:c0:00:{number:02x}"', 0.7, True)
    maybe(f"mtu = {draw.choice((1500, 9000))}", 0.3, True)
    maybe(f"pairs = {draw.choice((1, 2))}", 0.3, True)
    maybe("migratable = yes", 0.2)
    maybe("for = vm", 0.3, True)
    maybe("owner = nobody", 0.2)
    maybe(f"rate = {draw.choice(('none', '8kbit', '100mbit', '1gbps'))}")
    maybe(f"pps = {draw.randint(1, 10**9)}")
    maybe(f"flood = {draw.randint(1, 10**6)}")
    maybe("link = down")
    maybe(draw.choice((f"vlan = {draw.randint(1, 4094)}",
                       f'trunk = {{{draw.randint(1, 4094)}, "100-{draw.randint(100, 4094)}"}}',
                       f"trunk = {draw.randint(1, 4094)}\n\tnative = {draw.randint(1, 4094)}")))
    maybe(draw.choice(("macs = any", f'macs = {{"02:00:00:00:{number:02x}:01", "02:00:00:00:{number:02x}:02"}}')))
    maybe(f'addresses = {{10.{number}.0.{draw.randint(1, 9)}, "fd00:{number:x}::/64"}}')
    if mates:
        maybe(f"peers = {{{', '.join(PREFIX + str(p) for p in draw.sample(mates, draw.randint(1, len(mates))))}}}")
    return lines, mates


def draw_config(draw, whole=False):
    """whole: so that it does not matter what there was before."""
    fabrics = [f"{PREFIX}-f{i}" for i in range(draw.randint(1, 2))]
    ports = draw.randint(0, 6)
    texts = [f"fabric {name} {{\n\tmode = {draw.choice(('open', 'deny'))}\n\treserved = {draw.choice(('drop', 'forward'))}\n}}\n"
             for name in fabrics]
    uplinks, mirrored = set(), set()
    for number in range(ports):
        lines, mates = draw_port(draw, number, ports, fabrics, whole)
        if draw.random() < 0.3 and lines[0] not in uplinks:
            uplinks.add(lines[0])
            lines.append("uplink = yes")
        # A mirror has none of its own, and in a closed fabric it has to be a peer.
        if mates and not mirrored and draw.random() < 0.3:
            mate = f"{PREFIX}{mates[0]}"
            mirrored.add(mate)
            lines = [line for line in lines if not line.startswith("peers")]
            lines += [f"mirror = {mate}", f"peers = {{{mate}}}"]
        texts.append("port %s%d {\n%s}\n" % (PREFIX, number, "".join(f"\t{line}\n" for line in lines)))
    draw.shuffle(texts)
    return "# random\n" + "\n".join(texts)


class Files:
    """Configurations in a directory."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="queztl-config-")

    def write(self, name, text):
        path = pathlib.Path(self.dir.name) / name
        path.write_text(text)
        return path


FILES = Files()


def saved():
    return queztl("save")


def clear():
    queztl("apply", FILES.write("empty.conf", ""))


# -- tests ------------------------------------------------------------------------------------------------------------
def any_configuration_is_reached_from_any():
    draw = random.Random(20)
    for number in range(CONFIGURATIONS // (5 if SLOW else 1)):
        path = FILES.write("a.conf", draw_config(draw))
        try:
            queztl("apply", path)
            check(queztl("apply", "--dry-run", path) == "nothing to do\n", "something is left to do")
            before = saved()
            again = FILES.write("b.conf", before)
            check(queztl("apply", again) == "nothing to do\n", "what was saved is not what there is")
            check(saved() == before, "it was changed by nothing")
        except ktap.Failure as failure:
            raise ktap.Failure(f"configuration {number}: {failure}\n{path.read_text()}") from None
    clear()


def wait_for_worker():
    """Until nobody has the lock any more."""
    with open(RUN / "apply.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def macs_said(text):
    """Addresses that the module chose are no difference."""
    return "\n".join(line for line in text.splitlines() if "\tmac = " not in line)


def who_is_killed_leaves_the_old_or_the_new():
    draw = random.Random(4)
    configs = [FILES.write(f"k{i}.conf", draw_config(draw, whole=True)) for i in range(4)]
    states = []
    for path in configs:
        queztl("apply", path)
        states.append(macs_said(saved()))
    started = time.monotonic()
    queztl("apply", configs[0])
    takes, now, news = time.monotonic() - started, 0, 0
    for _ in range(KILLS // (3 if SLOW else 1)):
        to = draw.choice([i for i in range(4) if i != now])
        command = subprocess.Popen([QUEZTL, "apply", configs[to]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        time.sleep(draw.uniform(0, 1.2 * takes))
        os.killpg(command.pid, draw.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT)))
        command.wait()
        wait_for_worker()
        state = macs_said(saved())
        check(state in (states[now], states[to]), f"half of it:\n{state}\nfrom:\n{states[now]}\nto:\n{states[to]}")
        if state == states[to]:
            now, news = to, news + 1
    ktap.say(f"{news} were carried out")
    check(news, "none was carried out")
    clear()


def a_step_that_fails_is_undone():
    old = FILES.write("old.conf", f"fabric {PREFIX}-f0 {{ mode = deny }}\nport {PREFIX}0 {{\n\tfabric = {PREFIX}-f0\n\tvlan = 7\n}}\n")
    queztl("apply", old)
    queztl("fabric", "add", f"{PREFIX}-other")
    queztl("port", "add", f"{PREFIX}9", f"{PREFIX}-f0", "mac", "52:54:00:c0:00:99")
    before = saved()
    new = FILES.write("new.conf", f"""fabric {PREFIX}-f0 {{ }}
fabric {PREFIX}-new {{ }}
port {PREFIX}0 {{
	fabric = {PREFIX}-f0
	mtu = 9000
	rate = 1mbit
}}
port {PREFIX}1 {{
	fabric = {PREFIX}-f0
	mac = "52:54:00:c0:00:99"
}}
""")
    said = queztl("apply", new, code=1)
    check(f"new.conf:11: this failed: queztl port add {PREFIX}1" in said, said)
    check("nothing was changed" in said, said)
    check(macs_said(saved()) == macs_said(before), f"it is not as before:\n{saved()}\n{before}")
    queztl("port", "del", f"{PREFIX}9")
    queztl("apply", new)
    queztl("fabric", "del", f"{PREFIX}-other")
    clear()


def device_of(port):
    return next(pathlib.Path(f"/sys/bus/vdpa/devices/{port}").glob("vhost-vdpa-*")).name


def a_port_in_use_stays_connected():
    text = f"fabric {PREFIX}-f0 {{ }}\nport {PREFIX}0 {{\n\tfabric = {PREFIX}-f0\n%s}}\n"
    queztl("apply", FILES.write("a.conf", text % ""))
    with open(f"/dev/{device_of(PREFIX + '0')}", "r+b", buffering=0):
        queztl("apply", FILES.write("b.conf", text % "\trate = 1mbit\n\tvlan = 9\n"))
        said = queztl("apply", FILES.write("c.conf", text % "\tmtu = 9000\n"), code=1)
        check("c.conf:5: " in said and "mtu cannot change from 1500 to 9000" in said, said)
        check("is in use" in queztl("apply", FILES.write("empty.conf", ""), code=1), "it would be removed")
        check("vlan = 9" in saved(), "it was changed all the same")
    clear()


def what_others_made_is_left_alone():
    queztl("fabric", "add", f"{PREFIX}-other")
    queztl("port", "add", f"{PREFIX}9", f"{PREFIX}-other")
    queztl("apply", FILES.write("a.conf", f"fabric {PREFIX}-f0 {{ }}\n"))
    clear()
    check(f"port {PREFIX}9" in saved() and f"{PREFIX}-f0" not in saved(), saved())
    queztl("port", "del", f"{PREFIX}9")
    queztl("fabric", "del", f"{PREFIX}-other")


DOMAIN = """<domain type='kvm'><name>%s</name><metadata><queztl:ports xmlns:queztl='urn:queztl:ports'>
<queztl:port name='%s' fabric='%s' rate='1gbit'/></queztl:ports></metadata></domain>"""


class Crowd:
    """Administrators who do not know of each other. What a command says of a state that has just changed is no fault."""

    def __init__(self, configs):
        self.configs, self.faults, self.done = configs, [], collections.Counter()
        self.rounds = 6 if SLOW else 20

    def run(self, *argv, text=""):
        try:
            done = subprocess.run(argv, text=True, capture_output=True, input=text, timeout=120 * (4 if SLOW else 1), check=False)
        except subprocess.TimeoutExpired:
            self.faults.append(f"{argv}: does not end")
            return ""
        self.done[done.returncode] += 1
        if done.returncode not in (0, 1, 3) or done.returncode and not done.stderr:
            self.faults.append(f"{argv}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def apply(self, draw, _number):
        self.run(QUEZTL, "apply", draw.choice(self.configs))

    def change(self, draw, number):
        """Ports of the configuration, and one of its own."""
        own, one, other = f"{PREFIX}h{number}", *(f"{PREFIX}{port}" for port in draw.sample(range(6), 2))
        fabric = f"{PREFIX}-f{draw.randint(0, 1)}"
        for words in draw.sample([("port", "add", own, fabric), ("port", "del", own), ("port", "del", one),
                                  ("port", "set", one, "rate", "1mbit", "vlan", "7"), ("policy", "allow", one, own),
                                  ("addr", "add", own, f"10.9.{number}.1"), ("fabric", "set", fabric, "deny"),
                                  ("fabric", "del", fabric), ("port", "mirror", one, "to", other)], 4):
            self.run(QUEZTL, *words)

    def save(self, _draw, number):
        """What is saved in between need not be consistent, but it can be read, and each name in it is whole."""
        self.run(QUEZTL, "check", FILES.write(f"s{number}.conf", self.run(QUEZTL, "save")))

    def start_domain(self, draw, number):
        domain, port = f"d{number}", f"{PREFIX}d{draw.randint(0, 1)}"
        for what in ("prepare", "release"):
            self.run(sys.executable, HOOK, domain, what, text=DOMAIN % (domain, port, f"{PREFIX}-f0"))

    def look(self, _draw, _number):
        for words in (("port", "list"), ("stats",), ("apply", "--dry-run", self.configs[0]), ("policy", "list")):
            self.run(QUEZTL, *words)

    def work(self, number, task):
        draw = random.Random(number)
        for _ in range(self.rounds):
            task(draw, number)

    def meet(self):
        tasks = [self.apply, self.apply, self.apply, self.change, self.change, self.change, self.save, self.start_domain,
                 self.start_domain, self.look]
        threads = [threading.Thread(target=self.work, args=pair) for pair in enumerate(tasks)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def ten_administrators_do_not_trip_over_each_other():
    draw = random.Random(10)
    configs = [FILES.write(f"t{i}.conf", draw_config(draw, whole=True)) for i in range(3)]
    queztl("apply", configs[0])
    state = macs_said(saved())
    clear()
    with subprocess.Popen([QUEZTL, "monitor", "--json"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as monitor:
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(monitor.stdout))
        reader.start()
        crowd = Crowd(configs)
        crowd.meet()
        wait_for_worker()
        ended = monitor.poll()
        monitor.send_signal(signal.SIGINT)
        reader.join()
        said = monitor.stderr.read()
    check(not crowd.faults, "\n".join(crowd.faults[:5]))
    check(ended is None and not said, f"monitor: exit {ended}: {said}")
    ktap.say(f"{dict(crowd.done)} by exit code, {len([json.loads(line) for line in lines])} events")
    check(crowd.done[0] and lines, "nothing happened")
    # What nobody will apply goes by hand.
    for name in re.findall(rf"^port ({PREFIX}[hd]\S*)", saved(), re.M):
        queztl("port", "del", name)
    queztl("apply", configs[0])
    check(queztl("apply", "--dry-run", configs[0]) == "nothing to do\n", "something is left to do")
    check(macs_said(saved()) == state, f"it is not what it was:\n{saved()}\n{state}")
    clear()


TESTS = [any_configuration_is_reached_from_any, who_is_killed_leaves_the_old_or_the_new, a_step_that_fails_is_undone,
         a_port_in_use_stays_connected, what_others_made_is_left_alone, ten_administrators_do_not_trip_over_each_other]


def remove(kind):
    for name in [line.split()[1] for line in saved().splitlines() if line.startswith(f"{kind} {PREFIX}")]:
        subprocess.run([QUEZTL, kind, "del", name], check=False)


def after(result):
    """Whatever happened: the next test begins with nothing."""
    left = PREFIX in saved()
    remove("port")
    remove("fabric")
    (RUN / "applied.conf").unlink(missing_ok=True)
    check(result == "fail" or not left, "something is left")


chosen = [test for test in TESTS if len(sys.argv) < 2 or any(word in test.__name__ for word in sys.argv[1:])]
sys.exit(1 if ktap.run(chosen, after) else 0)
