"""The rows about event loops, by the original: event_loop.py ROW MODE COUNT prints the numbers, one a line.

Rows: flood-1, flood-4, paced, defer. The modes are those of the bench: "one" has everything on one core,
"apart" the reactor (in "defer": the pool's threads) on the other.
"""

import os
import sys
import threading
import time

from twisted.internet import reactor, threads

ROW, MODE, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
OTHER = {0} if MODE == "one" else {1}
PATIENCE = 60


def bind(cores):
    """Binds the calling thread, and those that it starts."""
    os.sched_setaffinity(0, cores)


def fail(why):
    print(why, file=sys.stderr)
    sys.stderr.flush()
    os._exit(1)


def median(values):
    return sorted(values)[len(values) // 2]


def on_threads(callers, body):
    """Runs so many callers on the first core, and the reactor here on the other."""

    def bound(number):
        bind({0})
        body(number)

    started = [threading.Thread(target=bound, args=(n,), daemon=True) for n in range(callers)]
    reactor.callWhenRunning(lambda: [thread.start() for thread in started])
    bind(OTHER)
    reactor.run()


def flood(callers):
    ran, begin, ended = [], [], []

    def now():
        return time.perf_counter_ns(), time.process_time_ns()

    def call(number):
        ran.append(number)
        if len(ran) == COUNT:
            ended.extend(now())
            reactor.stop()

    ready = threading.Barrier(callers, action=lambda: begin.extend(now()))

    def caller(first):
        ready.wait(PATIENCE)
        for number in range(first, COUNT, callers):
            reactor.callFromThread(call, number)

    on_threads(callers, caller)
    if sorted(ran) != list(range(COUNT)):
        fail("not every call ran once")
    return [(end - start) / COUNT for start, end in zip(begin, ended)]


def uneven(number):
    """As in rows/event_loop.rs."""
    wide = (1 << 64) - 1
    mixed = (number + 1) * 0x9E3779B97F4A7C15 & wide
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & wide
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & wide
    return 10_000 + (mixed ^ mixed >> 31) % 20_000


def paced():
    gaps = [uneven(number) for number in range(COUNT)]
    befores, submits, starts = [], [], []
    cpu = {}

    def call(number):
        starts.append((number, time.perf_counter_ns()))
        if len(starts) == COUNT:
            cpu["loop"] = time.thread_time_ns() - cpu["loop"]
            reactor.stop()

    def caller(_):
        following = time.perf_counter_ns()
        begin = time.process_time_ns()
        for number in range(COUNT):
            while time.perf_counter_ns() < following:
                pass
            before = time.perf_counter_ns()
            reactor.callFromThread(call, number)
            after = time.perf_counter_ns()
            befores.append(before)
            submits.append(after - before)
            following = max(after, following + gaps[number])
        cpu["all"] = time.process_time_ns() - begin

    reactor.callWhenRunning(lambda: cpu.update(loop=time.thread_time_ns()))
    on_threads(1, caller)
    deadline = time.monotonic() + PATIENCE
    while "all" not in cpu:
        if time.monotonic() > deadline:
            fail("the caller is lost")
        time.sleep(0.001)
    if [number for number, _ in starts] != list(range(COUNT)):
        fail("not every call ran once, in order")
    waits = sorted(start - befores[number] for number, start in starts)
    return [
        sum(submits) / COUNT,
        median(submits),
        sum(waits) / COUNT,
        median(waits),
        waits[round((COUNT - 1) * 0.99)],
        cpu["loop"] / COUNT,
        cpu["all"] / COUNT,
    ]


def defer():
    walls, cpus, results = [], [], []
    reactor.getThreadPool().adjustPoolsize(2, 2)

    def next_trip():
        if len(results) == COUNT:
            reactor.stop()
            return
        time.sleep(0.002)
        begin = time.perf_counter_ns(), time.process_time_ns()

        def back(result):
            walls.append(time.perf_counter_ns() - begin[0])
            cpus.append(time.process_time_ns() - begin[1])
            results.append(result)
            reactor.callLater(0, next_trip)

        threads.deferToThread(lambda number: number + 1, len(results)).addCallback(back)

    # To be sure that both are there, and each on its core: each waits for the other, and this one for both.
    both = threading.Barrier(3)

    def begin():
        for _ in range(2):
            reactor.callInThread(both.wait, PATIENCE)
        both.wait(PATIENCE)
        bind({0})
        next_trip()

    # Its threads inherit this.
    bind(OTHER)
    reactor.callWhenRunning(begin)
    reactor.run()
    if results != list(range(1, COUNT + 1)):
        fail("not every result came back")
    return [median(walls), median(cpus)]


ROWS = {"flood-1": lambda: flood(1), "flood-4": lambda: flood(4), "paced": paced, "defer": defer}
for figure in ROWS[ROW]():
    print(figure)
