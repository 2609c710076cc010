"""A game that plays while you watch: start, pause, single steps, reset; samples are shown as they change.

The game runs in slices on the event loop of the kernel's main thread, so there is no thread that could outlive the
kernel, and an interrupt reaches it. Clicks, which JupyterLab may deliver on another thread of the kernel, are passed on
to that loop. A picture is sent when the page has shown the previous one; if no page answers, nobody is watching any
more, and the game pauses.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import numpy as np
import traitlets

from helpers import figures
from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.figures.games import RECORDS, SIDE
from helpers.games import DATA, Game, digits_recipe, ring_recipe, shifted_recipe
from helpers.panels.controls import plain_layout, plain_style
from helpers.panels.lesson_09 import loss_choice
from helpers.panels.panel import still

if TYPE_CHECKING:  # a kernel has loaded asyncio already; elsewhere importing it takes time
    import asyncio

Draw = Callable[[Game], dict[str, Any]]

SLICE, BREATH = 0.06, 0.02  # seconds of play, and of pause for the page's messages
PATIENCE = 8.0  # seconds without an answer after which nobody is watching
ASK_AGAIN = 1.0  # seconds without an answer after which the page is asked again
SHOWN, ARROWS = 128, 48  # samples in a picture, and how many of them have an arrow
LONGEST = 8.0  # the largest push that is drawn to scale
START, PAUSE = "Start", "Pause"  # the two labels of one button


class Pulse(anywidget.AnyWidget):
    """Asks the page whether it still shows the widget: it sends a number, `sent`; `seen` is the last one returned.

    The answer is a custom message. A change of a trait would wait in the browser until the previous one is processed,
    and for ever if that was lost with its connection.
    """

    _esm = """
    function render({ model, el }) {
      el.style.display = "none";
      const answer = () => model.send(model.get("sent"));
      model.on("change:sent", answer);
      return () => model.off("change:sent", answer);
    }
    export default { render };
    """
    sent = traitlets.Int(0).tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.seen = self.wanted = 0
        self.on_msg(self._answered)

    @property
    def is_answered(self) -> bool:
        """Whether a page has answered since `ask`."""
        return self.seen >= self.wanted

    def ask(self) -> None:
        """Send a new question."""
        self.sent += 1
        self.wanted = self.sent

    def ask_again(self) -> None:
        """Send the question again, since it or its answer may be lost."""
        self.sent += 1

    def _answered(self, _: object, number: object, __: object) -> None:
        if isinstance(number, int):
            self.seen = max(self.seen, number)


class GameView(ipywidgets.VBox):
    """A game with its picture, its buttons and the choice of the generator's loss.

    `game` is the current game, `running` whether it is playing, `picture` the live figure. `start`, `pause`, `reset`,
    `discriminator_step` and `generator_step` do the same as the buttons. `limit` is the round at which it pauses. An
    interrupt of the kernel pauses it too.
    """

    def __init__(self, game: Game, figure: Any, draw: Draw, limit: int) -> None:
        self.game, self._draw, self.limit, self.patience = game, draw, limit, PATIENCE
        self._task: asyncio.Task[None] | None = None
        self._home = _running_loop()
        self.pulse = Pulse()
        self.loss = loss_choice(game.recipe.loss)
        self.loss.observe(lambda _: self._at_home(self.reset), "value")
        self.buttons = {
            "start": self._button(START, self._start_or_pause),
            "discriminator_step": self._button("Discriminator step", self.discriminator_step),
            "generator_step": self._button("Generator step", self.generator_step),
            "reset": self._button("Reset", self.reset),
        }
        self.picture = still(figure, self._result())
        wrap = ipywidgets.Layout(display="flex", flex_flow="row wrap", width="100%", align_items="center")
        row = ipywidgets.Box([*self.buttons.values(), self.loss, self.pulse], layout=wrap)
        super().__init__([row, self.picture], layout=ipywidgets.Layout(width="100%"))

    def _button(self, label: str, action: Callable[[], None]) -> ipywidgets.Button:
        button = ipywidgets.Button(description=label, layout=plain_layout(), style=plain_style())
        button.on_click(lambda _: self._at_home(action))
        return button

    def _at_home(self, action: Callable[[], None]) -> None:
        """Run `action` on the event loop that created the view: at once if already there, or if there is no loop."""
        if self._home is None or self._home is _running_loop():
            action()
        else:
            self._home.call_soon_threadsafe(action)

    # ------------------------------------------------------------ what the buttons do

    @property
    def running(self) -> bool:
        """Whether the game is playing."""
        return self._task is not None

    def start(self) -> None:
        """Play until `pause`, the limit, an interrupt, or until no page shows the game any more."""
        import asyncio

        if not self.running and self.game.rounds < self.limit:
            self._task = asyncio.get_running_loop().create_task(self._run())
            self.buttons["start"].description = PAUSE

    def pause(self) -> None:
        """Stop playing; `start` continues from there."""
        if self._task is not None:
            self._task.cancel()
            self._at_rest()

    def reset(self) -> None:
        """Start over with the chosen loss and the same seed."""
        self.pause()
        self.game = Game(replace(self.game.recipe, loss=self.loss.value), self.game.seed)
        self.show()

    def discriminator_step(self) -> None:
        """Make one step of the discriminator only."""
        self.pause()
        self.game.discriminator_step()
        self.show()

    def generator_step(self) -> None:
        """Make one step of the generator only."""
        self.pause()
        self.game.generator_step()
        self.show()

    def show(self) -> None:
        """Draw the current state of the game."""
        self.picture.show(self._result())

    def _start_or_pause(self) -> None:
        if self.running:
            self.pause()
        else:
            self.start()

    def _at_rest(self) -> None:
        self._task = None
        self.buttons["start"].description = START

    # ------------------------------------------------------------ playing

    async def _run(self) -> None:
        import asyncio

        answered = asked = time.monotonic()
        with _interrupts(self.pause) as listen:
            while self.game.rounds < self.limit:
                listen()
                began = time.monotonic()
                while self.running and time.monotonic() - began < SLICE and self.game.rounds < self.limit:
                    self.game.round()
                now = time.monotonic()
                if self.pulse.is_answered:
                    answered = asked = now
                    self.pulse.ask()
                    self.show()
                elif now - answered > self.patience:
                    break
                elif now - asked > ASK_AGAIN:
                    asked = now
                    self.pulse.ask_again()
                await asyncio.sleep(BREATH)
        self.show()
        self._at_rest()

    def _result(self) -> dict[str, Any]:
        game, drawn = self.game, self._draw(self.game)
        words = f"Round {game.rounds}, {game.discriminator_updates} discriminator steps\n"
        norms = np.asarray(game.gradient_norms)
        if len(norms):
            words += f"The generator's last gradient had norm {norms[-1]:.2g}. "
        ranges = {"xaxis2": [0, max(100, 2 ** np.ceil(np.log2(max(game.rounds, 1))))]}
        drawn["ranges"] = {**ranges, **drawn.get("ranges", {})}
        return {**drawn, "generator's gradient": _curve(norms), "summary": words + drawn.get("summary", "")}


def _running_loop() -> asyncio.AbstractEventLoop | None:
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@contextlib.contextmanager
def _interrupts(pause: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Let an interrupt of the kernel pause the game, which the kernel would ignore between cells.

    Call the yielded function regularly to keep the handler, since the kernel sets its own around each message.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = signal.getsignal(signal.SIGINT)

    def handler(*_: Any) -> None:
        pause()

    def listen() -> None:
        signal.signal(signal.SIGINT, handler)

    try:
        yield listen
    finally:
        if signal.getsignal(signal.SIGINT) is handler:
            signal.signal(signal.SIGINT, before)


def _curve(norms: Array) -> Array:
    """Return log10 of the norms by rounds, (2, RECORDS), where each point is the mean over its rounds."""
    out = np.full((2, RECORDS), np.nan)
    if len(norms):
        each = -(-len(norms) // RECORDS)
        edges = np.arange(0, len(norms), each)
        means = np.add.reduceat(norms, edges) / np.diff(np.append(edges, len(norms)))
        with np.errstate(divide="ignore"):
            log10 = np.log10(means)
        out[0, : len(edges)] = np.minimum(edges + each, len(norms))
        out[1, : len(edges)] = np.where(np.isfinite(log10), log10, np.nan)
    return out


# The three games of the lesson ----------------------------------------------------------------------------------------


def shifted_game(loss: str = "saturating", seed: int = 0) -> GameView:
    """The shifted recipe in the plane: a cloud that has to move six units to the right."""
    return _plane(Game(shifted_recipe(loss), seed), np.linspace(-4, 9, SIDE), np.linspace(-3, 3, SIDE), 1.0, 2000)


def ring_game(loss: str = "non_saturating", seed: int = 0) -> GameView:
    """Eight Gaussians on a ring."""
    return _plane(Game(ring_recipe(loss), seed), np.linspace(-5, 5, SIDE), np.linspace(-3, 3, SIDE), 0.15, 3000)


def _plane(game: Game, x: Array, y: Array, arrow: float, limit: int) -> GameView:
    """Return a game in the plane; `arrow` is the drawn length of a push of 1, and pushes are drawn up to 8."""
    points = np.stack(np.meshgrid(x, y), axis=-1)

    def draw(game: Game) -> dict[str, Any]:
        gradients = game.shown_gradients(SHOWN)
        starts = gradients.samples
        push = -gradients.at_samples * SHOWN  # of a single sample: the loss is a mean over all
        length = np.maximum(np.linalg.norm(push, axis=1, keepdims=True), 1e-30)
        ends = starts + push * arrow * np.minimum(1, LONGEST / length)
        gap = np.full_like(starts, np.nan)
        arrows = np.stack([starts, ends, gap], axis=1)[:ARROWS]
        logits = game.judge(points)
        if game.recipe.loss == "wasserstein":  # a critic has no scale of its own
            logits = 2 * (logits - logits.mean()) / max(float(logits.std()), 1e-6)
        return {
            "D": get_activation("sigmoid").function(logits),
            "generated": starts.T,
            "push": arrows.reshape(-1, 2).T,
            "summary": f"Mean push at the samples: {length.mean():.2g}.",
        }

    figure = figures.plane_game(DATA[game.recipe.data](np.random.default_rng(1), 160), x, y)
    return GameView(game, figure, draw, limit)


def digits_game(loss: str = "non_saturating", seed: int = 0, rows: int = 5, columns: int = 10) -> GameView:
    """Handwritten digits of 8 × 8 pixels."""

    def draw(game: Game) -> dict[str, Any]:
        made = game.samples(rows * columns).reshape(rows, columns, 8, 8)
        page = np.full((rows, 10, columns, 10), np.nan)
        page[:, 1:9, :, 1:9] = made.transpose(0, 2, 1, 3)
        return {"digits": page.reshape(10 * rows, 10 * columns)}

    return GameView(Game(digits_recipe(loss), seed), figures.digits_game(rows, columns), draw, 6000)
