"""Hooks on all that PyTorch runs: set and taken off whole, whatever interrupts, and without harm to other threads."""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook, register_optimizer_step_pre_hook


class StepFollower(Protocol):
    """Is told of every step of every optimizer."""

    def before_step(self, optimizer: Optimizer, has_closure: bool) -> None:
        """Called before a step; one with a closure has its forward and backward passes still before it."""

    def after_step(self, optimizer: Optimizer) -> None:
        """Called when a step is done; not called where it raised."""


_lock = threading.Lock()
_followers: tuple[StepFollower, ...] = ()
_is_registered = False


def follow_steps(follower: StepFollower) -> None:
    """Tell `follower` of the steps of all optimizers, until `leave_steps`.

    The first call registers hooks that stay and do nothing without followers: PyTorch goes through its hooks while it
    calls them, so that one more or one less would break the step that another thread is at.
    """
    global _followers, _is_registered
    with _lock:
        if not _is_registered:
            register_optimizer_step_pre_hook(_before_step)
            register_optimizer_step_post_hook(_after_step)
            _is_registered = True
        _followers = (*_followers, follower)


def leave_steps(follower: StepFollower) -> None:
    """Undo `follow_steps`; nothing where that is done already."""
    global _followers
    with _lock:
        _followers = tuple(each for each in _followers if each is not follower)


def _before_step(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    has_closure = kwargs.get("closure") is not None or any(callable(each) for each in args[1:])
    for follower in _followers:
        follower.before_step(optimizer, has_closure)


def _after_step(optimizer: Optimizer, *_: Any) -> None:
    for follower in _followers:
        follower.after_step(optimizer)


Done = Callable[[Any], None]
"""Is given what the call returned."""


class FollowedMethod:
    """A method of a class of torch whose calls are followed while somebody listens, and which is itself otherwise."""

    def __init__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name
        self._followers: tuple[Callable[..., Done | None], ...] = ()
        self._original: Any = None
        self._replacement: Any = None

    def follow(self, follower: Callable[..., Done | None]) -> None:
        """Have `follower` called before each call, with its arguments; what it returns is called afterwards."""
        with _lock:
            if not self._followers:
                self._original = vars(self._owner)[self._name]
                self._replacement = self._following(self._original)
                setattr(self._owner, self._name, self._replacement)
            self._followers = (*self._followers, follower)

    def leave(self, follower: Callable[..., Done | None]) -> None:
        """Undo `follow`. Where somebody else has replaced the method since, theirs stays, and ours does nothing."""
        with _lock:
            had_some = bool(self._followers)
            self._followers = tuple(each for each in self._followers if each != follower)
            if had_some and not self._followers and vars(self._owner)[self._name] is self._replacement:
                setattr(self._owner, self._name, self._original)

    def _following(self, original: Any) -> Any:
        @functools.wraps(original)
        def method(*args: Any, **kwargs: Any) -> Any:
            waiting = [done for each in self._followers if (done := each(*args)) is not None]
            result = original(*args, **kwargs)
            for done in waiting:
                done(result)
            return result

        return method


_Scaler: Any = getattr(torch.amp, "GradScaler", None) or torch.cuda.amp.GradScaler  # the latter in torch 2.2

BACKWARD = FollowedMethod(Tensor, "backward")
SCALE = FollowedMethod(_Scaler, "scale")
SCALER_STEP = FollowedMethod(_Scaler, "step")


def stop_before_interrupt(stop: Callable[[], None]) -> Callable[[], None]:
    """Have `stop` called before Ctrl-C raises; returns a function that takes that back.

    A `with` statement alone can't promise it: what interrupts the first instruction of `__exit__` ends it there.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        return lambda: None

    def interrupt(number: int, frame: FrameType | None) -> None:
        stop()
        take_back()
        before(number, frame)

    def take_back() -> None:
        if signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, interrupt)
    return take_back


@contextmanager
def interrupts_held() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the function that this gives is called, or to the end; a second one doesn't wait.

    What interrupts torch's own modes in the middle leaves them broken: call the function where nothing of torch is
    at work. In other threads than the main one nothing interrupts anyway.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    waiting: list[tuple[int, FrameType | None]] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if waiting:
            before(number, frame)
        waiting.append((number, frame))

    def let_through() -> None:
        if waiting:
            number, frame = waiting[-1]
            waiting.clear()
            before(number, frame)

    signal.signal(signal.SIGINT, hold)
    try:
        yield let_through
    finally:
        signal.signal(signal.SIGINT, before)
        let_through()


def uninterrupted(work: Callable[[], None]) -> None:
    """Do the work; Ctrl-C waits until it is done. In other threads than the main one nothing interrupts anyway."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        work()
        return
    waiting: list[tuple[Any, ...]] = []
    signal.signal(signal.SIGINT, lambda *arguments: waiting.append(arguments))
    try:
        work()
    finally:
        signal.signal(signal.SIGINT, handler)
    if waiting:
        handler(*waiting[-1])
