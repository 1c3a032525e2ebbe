"""``duly demo``: the product at work on a shop that moves, with a clock that runs fast."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
import threading
from pathlib import Path

import click
import sqlalchemy as sa
from rich.console import Console
from rich.progress import Progress

from duly.cli.starter import copy_starter
from duly.daemon import log
from duly.daemon.daemon import Daemon
from duly.daemon.worker import Worker
from duly.demo.show import Line, Show
from duly.demo.story import Story, shop_lines
from duly.demo.world import ZONE, World
from duly.time.clock import Clock, FastClock, SystemClock, patience
from duly.time.duration import Duration, Unit

START = dt.datetime(2026, 9, 30, 8, 30, tzinfo=ZONE)
"""The working morning before China’s National Day holiday, 1–7 October 2026: its calendar is known."""
SPEED = 28_800.0
"""Simulated seconds in one real second: eight hours, while Duly has nothing to do."""
SCALE = 0.4
"""Of a shop that would keep a whole service department busy; thousands of orders, and a day in some seconds."""
LENGTH = 30.0
"""Real seconds that a fast demo lasts unless told otherwise."""
FRAME = 0.125
"""Real seconds between two looks at the journal, where a screen shows it."""
LOOK = 0.5
"""Real seconds between two looks at the journal, where none does."""
STRIDE = dt.timedelta(minutes=10)
"""The shop moves in steps of at least this much simulated time, as its own software would write."""


class Seconds(click.ParamType[float]):
    """A length of real time, such as ``20s`` or ``5m``."""

    name = "DURATION"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        if isinstance(value, float):
            return value
        try:
            duration = Duration.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if duration.unit is not Unit.ELAPSED or duration.amount <= 0:
            self.fail(f"“{value}” is no length of time: write 20s or 5m", param, ctx)
        return float(duration.amount)


@click.command()
@click.option("--for", "length", type=Seconds(), help="How long it lasts, in real time; 30s unless --speed is 1.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=SPEED,
    show_default=True,
    help="How many times faster than the real time its clock runs.",
)
@click.option(
    "--at",
    "start",
    default="",
    metavar="TIME",
    help="When it starts: “now”, or a time such as “2026-09-29 08:30” in the shop’s zone.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where its workspace goes; a new temporary folder if not given.",
)
@click.option("--seed", default=7, show_default=True, help="Another seed is another shop.")
@click.option(
    "--scale",
    type=click.FloatRange(min=0.01, max=100),
    default=SCALE,
    show_default=True,
    help="How much business the shop has.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the totals as JSON at the end, and nothing else.")
@click.pass_context
def demo(
    context: click.Context,
    length: float | None,
    speed: float,
    start: str,
    folder: Path | None,
    seed: int,
    scale: float,
    *,
    as_json: bool,
) -> None:
    """See Duly at work: a shop that lives, four rules, and a clock that runs fast.

    Nothing leaves this machine: every message becomes a file. Ctrl-C ends it early.
    """
    begin = _begin(start)
    home = folder or Path(tempfile.mkdtemp(prefix="duly-demo-"))
    log.configure(quiet=True)
    console = Console(stderr=as_json, quiet=as_json)
    length = length or (LENGTH if speed > 1 else None)
    copy_starter(home)
    shop = sa.create_engine(f"sqlite:///{home}/shop.db")
    try:
        world = World(shop, start=begin, seed=seed, scale=scale)
        _open_shop(world, home, console)
        clock: Clock = SystemClock() if start == "now" and speed == 1 else FastClock(begin, speed)
        code = _play(home, clock, world, length, console, as_json=as_json)
    finally:
        shop.dispose()
    context.exit(code)


def _begin(start: str) -> dt.datetime:
    if not start:
        return START.astimezone(dt.UTC)
    if start == "now":
        return SystemClock().now()
    try:
        return dt.datetime.fromisoformat(start).replace(tzinfo=ZONE).astimezone(dt.UTC)
    except ValueError:
        raise click.UsageError(f"“{start}” is no time: write “now” or “2026-09-29 08:30”") from None


def _open_shop(world: World, home: Path, console: Console) -> None:
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("The shop opens", total=None)
        counts = world.create(lambda done, total: progress.update(task, completed=done, total=total))
    console.print(
        f"A shop with {counts.customers:,} customers, {counts.orders:,} orders, {counts.complaints:,} complaints and "
        f"{counts.callbacks:,} callbacks in {home}"
    )


def _play(home: Path, clock: Clock, world: World, length: float | None, console: Console, *, as_json: bool) -> int:
    """Run the daemon on the shop and show what happens; returns the exit code."""
    begun = clock.now()
    clock.appoint("demo", begun)
    daemon = Daemon(home, clock)
    story = Story(daemon.engine)
    happened: list[Line] = []
    changing = threading.Lock()

    def move(now: dt.datetime) -> dt.datetime | None:
        events = world.move(now)
        with changing:
            happened.extend(shop_lines(events))
        following = world.next_event()
        return max(following, now + STRIDE) if following else None

    shop = Worker("shop", clock, move)
    daemon.start()
    shop.poke()
    shop.start()
    clock.appoint("demo", None)
    ended = threading.Event()
    over = patience(length) if length is not None else ended.is_set
    on_screen = console.is_terminal
    seconds = 0.0
    try:
        with Show(console, ZONE, reading=str(home / "outbox")) as show:
            while not ended.wait(frame := FRAME if on_screen else LOOK):
                seconds += frame
                with changing:
                    shown, happened[:] = list(happened), []
                _update(show, story, clock, shown if on_screen else [], seconds, length)
                if over():
                    break
            shop.stop()
            until = clock.now()
            clean = daemon.stop()
            _update(show, story, clock, [], seconds, length)
    except KeyboardInterrupt:
        shop.stop()
        until = clock.now()
        clean = daemon.stop()
        story.read()
    figures = story.figures()
    if as_json:
        click.echo(json.dumps({**figures, "from": _local(begun), "until": _local(until), "home": str(home)}))
    else:
        _farewell(console, home, figures)
    return 0 if clean and not figures["failed"] else 1


def _update(show: Show, story: Story, clock: Clock, shop: list[Line], seconds: float, length: float | None) -> None:
    now = clock.now()
    lines = sorted([*story.read(), *shop], key=lambda line: line.at)
    show.update(now, story.figures(), story.rules(now), lines, progress=seconds / length if length else None)


def _farewell(console: Console, home: Path, figures: dict[str, int]) -> None:
    flag = f"--home {home}"
    console.print(f"\nThe messages lie in {home / 'outbox'}, one file each. To look further:")
    console.print(f"  duly status {flag}\n  duly why orders/ship-within-72h KEY {flag}", soft_wrap=True)
    if figures["held"]:
        console.print(
            f"{figures['held']} cases are held until somebody decides: “duly status” names their rules and says why. "
            f"For one of them:\n  duly release orders/ship-within-72h --send {flag}",
            soft_wrap=True,
        )


def _local(at: dt.datetime) -> str:
    return at.astimezone(ZONE).isoformat(timespec="seconds")
