#!/usr/bin/env python3
"""Check the memory ordering of Documentation/locking.rst on a model of a weakly ordered machine. Prints KTAP.

Each test is a pattern of the module, transcribed by hand: a few threads, and an outcome that must not be. The model runs
them in every order that ARM64 allows: accesses of a thread in any order but for barriers, acquire, release, dependencies
and the same address; one memory, which all see alike. The outcome must be unreachable, and reachable without any one of
the barriers marked as needed: a model in which they do nothing would prove nothing.

An emulated ARM64 host on x86 is as strongly ordered as x86, so no test in the lab shows what this does.
"""
import dataclasses
import sys


@dataclasses.dataclass(frozen=True)
class Op:
    kind: str                   # load, store, swap (fully ordered, returns the old value), fence
    var: str = ""
    value: int = 0
    to: str = ""                # register
    order: str = ""             # acquire, release
    given: tuple = ()           # (register, value): a store that happens only then
    address: str = ""           # register the address comes from


def store(var, value, order="", given=()):
    return Op("store", var, value, order=order, given=given)


def load(var, to, order="", address=""):
    return Op("load", var, to=to, order=order, address=address)


def swap(var, value, to):
    return Op("swap", var, value, to)


FENCE = Op("fence")


def waits(first, later):
    """Must `later` wait for `first`, which is before it in the program?"""
    strong = ("fence", "swap")
    return (first.kind in strong or later.kind in strong or first.var == later.var or first.order == "acquire" or
            later.order == "release" or first.order == "release" and later.order == "acquire" or
            bool(first.to) and (later.address == first.to or later.given[:1] == (first.to,)))


def step(op, memory, registers):
    if op.kind in ("load", "swap"):
        registers[op.to] = memory.get(op.var, 0)
    if op.kind in ("store", "swap") and (not op.given or registers[op.given[0]] == op.given[1]):
        memory[op.var] = op.value


def outcomes(threads, initial):
    """Every end: memory and registers together."""
    seen, todo = set(), [(tuple(frozenset() for _ in threads), tuple(sorted(initial.items())), ())]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        done, memory, registers = state
        if all(len(ops) == len(ran) for ops, ran in zip(threads, done)):
            yield {**dict(memory), **dict(registers)}
        for number, ops in enumerate(threads):
            for i, op in enumerate(ops):
                if i in done[number] or any(waits(ops[j], op) for j in range(i) if j not in done[number]):
                    continue
                now, regs = dict(memory), dict(registers)
                step(op, now, regs)
                ran = tuple(each | {i} if place == number else each for place, each in enumerate(done))
                todo.append((ran, tuple(sorted(now.items())), tuple(sorted(regs.items()))))


def is_reachable(threads, bad, initial):
    return any(bad(end) for end in outcomes([[op for op in ops if op] for ops in threads], initial))


class Parts:
    """Barriers that a pattern needs; one can be left out."""

    def __init__(self, without=None):
        self.without, self.names = without, []

    def fence(self, name):
        self.names.append(name)
        return None if name == self.without else FENCE

    def order(self, name, order):
        self.names.append(name)
        return "" if name == self.without else order


def a_kick_of_a_queue_being_started_is_served(p):
    """qz_vq_takes_kick(), qz_vq_start()"""
    driver = [store("index", 1), load("live", "first"), p.fence("look twice"), load("live", "second")]
    starter = [store("live", 1, "release"), p.fence("start"), load("index", "found")]
    return [driver, starter], lambda end: not end["first"] and not end["second"] and not end["found"], {}


def a_kick_that_finds_task_work_queued_is_served(p):
    """run_soon(), run_task_work(); the same for a worker's bits of rings, qz_exec_run() and serve()"""
    kicker = [store("index", 1), swap("pending", 1, "old")]
    runner = [store("pending", 0), p.fence("clear"), load("index", "found")]
    return [kicker, runner], lambda end: end["old"] and not end["found"], {"pending": 1}


def an_interrupt_left_to_a_worker_is_seen(p):
    """qz_exec_signal(), serve(): vring_interrupt() looks at the used index"""
    sender = [store("used", 1), swap("signals", 1, "old")]
    worker = [store("signals", 0), p.fence("clear"), load("used", "found")]
    return [sender, worker], lambda end: end["old"] and not end["found"], {"signals": 1}


def a_ring_found_owned_is_looked_at_again(p):
    """run_slice(), qz_vq_disown()"""
    newcomer = [store("again", 1), swap("owned", 1, "old")]
    owner = [store("owned", 0, "release"), p.fence("disown"), load("again", "found")]
    return [newcomer, owner], lambda end: end["old"] and not end["found"], {"owned": 1}


def an_owner_that_looks_again_sees_why(p):
    """run_slice(): what made somebody set AGAIN is in the ring that the owner serves then"""
    newcomer = [store("index", 1), p.fence("gate"), store("again", 1)]
    owner = [load("again", "asked"), p.fence("again"), load("index", "found")]
    return [newcomer, owner], lambda end: end["asked"] and not end["found"], {}


def a_frame_without_a_kick_is_seen(p):
    """qz_ring_enable_kicks(), and the driver's side of it"""
    driver = [store("index", 1), FENCE, load("event", "wants")]
    device = [store("event", 1), p.fence("enable"), load("index", "found")]
    return [driver, device], lambda end: not end["wants"] and not end["found"], {}


def a_driver_that_wants_an_interrupt_gets_one(p):
    """qz_ring_publish(), qz_ring_wants_signal()"""
    device = [store("used", 1), p.fence("wants_signal"), load("event", "wants")]
    driver = [store("event", 1), FENCE, load("used", "found")]
    return [device, driver], lambda end: not end["wants"] and not end["found"], {}


def what_an_index_covers_is_there(p):
    """qz_ring_publish() and qz_ring_pop(); the other side is the other's"""
    writer = [store("element", 1), p.fence("publish"), store("index", 1)]
    reader = [load("index", "found"), p.fence("pop"), load("element", "read")]
    return [writer, reader], lambda end: end["found"] and not end["read"], {}


def a_broken_port_has_no_live_ring(p):
    """qz_port_break(), qz_vq_start()"""
    starter = [store("live", 1, "release"), p.fence("start"), load("broken", "seen"), store("live", 0, given=("seen", 1))]
    breaker = [store("broken", 1), p.fence("break"), store("live", 0)]
    return [starter, breaker], lambda end: end["live"], {}


def a_list_that_grows_is_searched_to_its_end(p):
    """qz_idlist_add(), qz_idlist_n(): ids before n"""
    writer = [store("id", 9), store("n", 1, p.order("add", "release"))]
    reader = [load("n", "n", p.order("n", "acquire")), load("id", "id")]
    return [writer, reader], lambda end: end["n"] and not end["id"], {}


def an_item_that_is_pushed_on_is_found(p):
    """put(), qz_idlist_after(), qz_idlist_at(): item 9 moves from place 0 to place 1, where 12 was, which moved on before"""
    writer = [store("id1", 9, "release"), store("item1", 9, "release"), store("id0", 5, p.order("put", "release"))]
    reader = [load("id0", "id", p.order("after", "acquire")), load("item1", "item")]
    return [writer, reader], lambda end: end["id"] == 5 and end["item"] != 9, {"id0": 9, "id1": 12, "item1": 12}


def a_port_whose_address_was_there_before_is_whole(p):
    """qz_mactab_add(), qz_mactab_find(): the key is in its slot"""
    writer = [store("contents", 1), store("port", 1, p.order("add", "release"))]
    reader = [load("port", "port"), load("contents", "read", address="port")]
    return [writer, reader], lambda end: end["port"] and not end["read"], {}


def a_message_that_is_counted_is_there(p):
    """qhp_tx_show(), qhp_rx_look()"""
    producer = [store("message", 1), store("entry", 1, p.order("show", "release"))]
    consumer = [load("entry", "entry", p.order("look", "acquire")), load("message", "read")]
    return [producer, consumer], lambda end: end["entry"] and not end["read"], {}


def an_old_byte_is_no_entry(p):
    """qhp_tx_show(), qhp_rx_look(): where the next entry will be, there are bytes of a message that was released"""
    producer = [store("next", 0), store("entry", 1, p.order("show", "release"))]
    consumer = [load("entry", "entry", p.order("look", "acquire")), load("next", "next")]
    return [producer, consumer], lambda end: end["entry"] and end["next"], {"next": 7}


def a_burst_is_whole(p):
    """qhp_tx_commit(), qhp_tx_show(): the entries behind the first one are written before it, in any order"""
    producer = [store("second", 1), store("message", 1), store("first", 1, p.order("show", "release"))]
    consumer = [load("first", "first", p.order("look", "acquire")), load("second", "second"), load("message", "read")]
    return [producer, consumer], lambda end: end["first"] and not (end["second"] and end["read"]), {}


def a_message_is_read_before_its_room_is_used_again(p):
    """qhp_rx_return(), qhp_tx_refresh()"""
    consumer = [load("message", "read"), store("tail", 1, p.order("return", "release"))]
    producer = [load("tail", "tail", "acquire"), store("message", 2, given=("tail", 1))]
    return [consumer, producer], lambda end: end["read"] == 2, {"message": 1}


def a_consumer_that_sleeps_is_woken(p):
    """qhp_tx_publish() or qhp_wake(), qhp_rx_arm(); the entry may be written long before the fence"""
    producer = [store("entry", 1, "release"), p.fence("publish"), load("event", "wake")]
    consumer = [store("event", 1), p.fence("arm"), load("entry", "found")]
    return [producer, consumer], lambda end: not end["wake"] and not end["found"], {}


def a_producer_that_waits_for_room_is_woken(p):
    """qhp_rx_release() or qhp_wake(), qhp_tx_arm()"""
    consumer = [store("tail", 1, "release"), p.fence("release"), load("event", "wake")]
    producer = [store("event", 1), p.fence("arm"), load("tail", "found")]
    return [consumer, producer], lambda end: not end["wake"] and not end["found"], {}


TESTS = [value for value in list(globals().values()) if getattr(value, "__doc__", None) and
         getattr(value, "__code__", None) and value.__code__.co_varnames[:1] == ("p",)]


def reasons(test):
    """Why a test fails."""
    parts = Parts()
    if is_reachable(*test(parts)):
        yield "the outcome that must not be is reachable"
    for name in parts.names:
        if not is_reachable(*test(Parts(name))):
            yield f"it is unreachable without the barrier '{name}', too"


def main():
    failed = 0
    print(f"KTAP version 1\n1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        why = list(reasons(test))
        failed += bool(why)
        for reason in why:
            print(f"# {reason}")
        print(f"{'not ok' if why else 'ok'} {number} {test.__name__}")
    print(f"# Totals: pass:{len(TESTS) - failed} fail:{failed} skip:0")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
