"""A class on a hub: N learners at once on this machine, each with a server and a kernel, moving sliders.

The hub is that of `hub/jupyterhub_config.py`, the learners come in through its proxy as browsers do. Each runs lesson
03's imports (PyTorch among them), opens its panel and moves it as `live.js` does: it chooses a gain, drags the depth
at some states a second, asks the kernel for states that it has not, and has the kernel send the table of the slider
in hand. What is measured is the time of the states that the kernel was asked for, and of the tables; a state drawn
from a table asks nobody. The learners' side runs on the same processors as the servers.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from helpers.course import notebooks
from tests.browser.lab import start_lab
from tests.learner import PASSWORD, Learner, Sliders, start_hub

CLASSES = (1, 5, 10, 20)
LESSON, PANEL, HAND, OTHER = "03", "deep_sigmoid_nets", "depth", "gain"
STATES_A_SECOND, DRAG_SECONDS, DRAGS, THINKING = 5, 5.0, 3, 2.0
NEEDED = 0.6  # GB for one learner: what a class needs before it is let in
TRAINING = """
train(MLP(NetworkSpec(depth=10), inputs=64, classes=10), digits_split(), steps=200, learning_rate=0.5, progress=False)
"""


@dataclass
class Moves:
    """What one class met with: seconds of the states asked for, seconds of the tables, states drawn from a table."""

    asked: list[float] = field(default_factory=list)
    tables: list[float] = field(default_factory=list)
    drawn_from_table: int = 0


@dataclass
class Seat:
    """A learner who has the panel open, and the numbers of the two processes that are theirs."""

    learner: Learner
    sliders: Sliders
    server: int
    kernel: int


def proportional_memory(process: int) -> float:
    """A process's memory in MB, with pages that n processes share counted as an n-th each (PSS; Linux)."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024


def available_memory() -> float:
    """Memory in GB that programs may still take (Linux)."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]) / 1024**2


def imports() -> str:
    """The import cell of the lesson."""
    notebook = json.loads(notebooks()[LESSON].read_text(encoding="utf-8"))
    return "".join(next(cell["source"] for cell in notebook["cells"] if cell["id"] == "imports"))


async def take_seat(learner: Learner) -> Seat:
    """Log in, start a server and a kernel, run the imports, open the panel."""
    if not await learner.log_in(PASSWORD):
        raise RuntimeError(f"the hub does not let {learner.name} in")
    await learner.open_course()
    await learner.start_kernel()
    await learner.run(imports())
    kernel, server = map(int, (await learner.run("import os; print(os.getpid(), os.getppid())")).split())
    return Seat(learner, await learner.open_panel(PANEL), server, kernel)


async def drag(seat: Seat, chance: random.Random, moves: Moves) -> None:
    """Choose a gain, then drag the depth for some seconds, with the tables that the browser would ask for."""
    learner, sliders = seat.learner, seat.sliders
    hand, other = sliders.number(HAND), sliders.number(OTHER)
    state, last = list(sliders.first), sliders.grids[hand]["count"] - 1
    state[other] = chance.randrange(sliders.grids[other]["count"])
    here: set[str] = set()

    async def show(number: int) -> None:
        if json.dumps(state) in here:
            moves.drawn_from_table += 1
            await learner.move(sliders, number, state[number])
            return
        asked = asyncio.ensure_future(learner.ask(sliders, list(state)))
        await asyncio.sleep(0)  # the question leaves before the control tells that it moved
        await learner.move(sliders, number, state[number])
        moves.asked.append(await asked)
        here.add(json.dumps(state))

    await show(other)
    places = sorted(range(last + 1), key=lambda place: abs(place - state[hand]))
    wanted = [[*state[:hand], place, *state[hand + 1 :]] for place in places if place != state[hand]]
    table = asyncio.ensure_future(learner.fill(sliders, wanted, here))
    end = time.monotonic() + DRAG_SECONDS
    while (now := time.monotonic()) < end:
        state[hand] = min(max(state[hand] + chance.choice((-9, -5, -3, -1, 1, 3, 5, 9)), 0), last)
        await show(hand)
        await asyncio.sleep(max(0.0, now + 1 / STATES_A_SECOND - time.monotonic()))
    moves.tables.append(await table)


async def lesson(seat: Seat, number: int, moves: Moves) -> None:
    """Some drags with rests in between; no two learners in step."""
    chance = random.Random(number)
    for _ in range(DRAGS):
        await asyncio.sleep(2 * THINKING * chance.random())
        await drag(seat, chance, moves)


def percentile(values: Sequence[float], part: float) -> float:
    """The value that this part of all values do not exceed."""
    return sorted(values)[min(int(part * len(values)), len(values) - 1)]


async def fill_class(url: str, classes: Sequence[int]) -> None:
    """Let the class grow from one size to the next, and print a line of the table for each."""
    async with contextlib.AsyncExitStack() as stack:
        seats: list[Seat] = []
        for size in classes:
            new = size - len(seats)
            if available_memory() < NEEDED * new:
                print(f"  Stopped before a class of {size}: {new} more need {NEEDED * new:.1f} GB of memory,")
                print(f"  and {available_memory():.1f} GB are free. Close other programs, or use a bigger machine.")
                return
            begun = time.monotonic()
            learners = [Learner(url, f"learner-{len(seats) + number}") for number in range(new)]
            for learner in learners:
                await stack.enter_async_context(learner)
            seats += await asyncio.gather(*map(take_seat, learners))
            ready = time.monotonic() - begun
            moves = Moves()
            await asyncio.gather(*(lesson(seat, number, moves) for number, seat in enumerate(seats)))
            print(line(seats, moves, ready / new), flush=True)
        before = proportional_memory(seats[0].kernel)
        await seats[0].learner.run(TRAINING)
        after = proportional_memory(seats[0].kernel)
        print(f"\n  the kernel of one of them, once it has trained a network: {after:.0f} MB, before {before:.0f} MB")


HEAD = (
    "  learners   memory each, MB      asked of the kernel, ms       drawn from   table whole   start\n"
    "             server    kernel     median    95 %   states      a table, %    median, s    each, s"
)


def line(seats: Sequence[Seat], moves: Moves, start: float) -> str:
    """One line of the table."""
    server = statistics.mean(proportional_memory(seat.server) for seat in seats)
    kernel = statistics.mean(proportional_memory(seat.kernel) for seat in seats)
    share = 100 * moves.drawn_from_table / (moves.drawn_from_table + len(moves.asked))
    return (
        f"  {len(seats):8d}{server:11.0f}{kernel:10.0f}{1e3 * statistics.median(moves.asked):11.0f}"
        f"{1e3 * percentile(moves.asked, 0.95):8.0f}{len(moves.asked):9d}{share:16.0f}"
        f"{statistics.median(moves.tables):13.1f}{start:11.1f}"
    )


# The wait for acknowledgements ---------------------------------------------------------------------------------------

PLAIN = "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection"
PROMPT = "helpers.server.PromptConnection"
CHAIN, TURNS = 60, 3


async def chain(url: str) -> list[float]:
    """Seconds of states asked for one after the other, as in a fast drag beyond the table: no rest but a frame."""
    async with Learner(url) as learner:
        (await learner.web.get(f"{url}/lab")).close()  # brings the cookies
        await learner.start_kernel("")
        sliders = await learner.open_panel(PANEL)
        hand, state, seconds = sliders.number(HAND), list(sliders.first), []
        for place in random.Random(0).sample(range(sliders.grids[hand]["count"]), CHAIN):
            state[hand] = place
            seconds.append(await learner.ask(sliders, list(state)))
            await learner.move(sliders, hand, place)
            await asyncio.sleep(1 / 60)
        return seconds


def compare_connections() -> None:
    """Print what sending at once (`helpers.server.PromptConnection`) is worth, in turns."""
    seconds: dict[str, list[float]] = {PLAIN: [], PROMPT: []}
    for _ in range(TURNS):
        for connection, found in seconds.items():
            with tempfile.TemporaryDirectory(prefix="course-") as place:
                folder = Path(place)
                with start_lab(folder, folder, f"--ServerApp.kernel_websocket_connection_class={connection}") as url:
                    found += asyncio.run(chain(url))
    print("\nStates asked of the kernel one after the other, one learner, no hub (ms)")
    for connection, found in seconds.items():
        median, slow = 1e3 * statistics.median(found), 1e3 * percentile(found, 0.95)
        print(f"  {connection.rpartition('.')[2]:32s}median{median:6.0f}   95 %{slow:6.0f}")


def main(arguments: Sequence[str] = ()) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.hub", description="A class on a hub, measured.")
    parser.add_argument("sizes", nargs="*", type=int, default=list(CLASSES), metavar="N", help="learners at once")
    sizes = sorted(parser.parse_args(list(arguments)).sizes)
    if not Path("/proc/self/smaps_rollup").exists():
        sys.exit("The class is measured on Linux alone, which tells how much memory each process has.")
    machine = f"{os.cpu_count()} processors, {available_memory():.0f} GB free, load {os.getloadavg()[0]:.1f} before"
    print(f"\nA class on a hub of this machine ({machine})")
    print(HEAD, flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as place,
        start_hub(Path(place)) as url,
    ):
        asyncio.run(fill_class(url, sizes))
    compare_connections()


if __name__ == "__main__":
    main(sys.argv[1:])
