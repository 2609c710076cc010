"""Hooks on PyTorch's optimizers, backward passes and scalers that are interrupt-safe and thread-safe."""

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
    """An object that is notified of every step of every optimizer."""

    def before_step(self, optimizer: Optimizer, has_closure: bool) -> None:
        """Called before a step; with a closure, the forward and backward passes follow during the step."""

    def after_step(self, optimizer: Optimizer) -> None:
        """Called after a step, unless it raised an exception."""


_lock = threading.Lock()
_followers: tuple[StepFollower, ...] = ()
_is_registered = False


def follow_steps(follower: StepFollower) -> None:
    """Notify `follower` of the steps of all optimizers until `leave_steps`.

    The first call registers hooks that stay registered and do nothing without followers: PyTorch iterates over its
    hooks while it calls them, so adding or removing one would break a step in another thread.
    """
    global _followers, _is_registered
    with _lock:
        if not _is_registered:
            register_optimizer_step_pre_hook(_before_step)
            register_optimizer_step_post_hook(_after_step)
            _is_registered = True
        _followers = (*_followers, follower)


def leave_steps(follower: StepFollower) -> None:
    """Undo `follow_steps`, if that hasn't been done."""
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
"""A function that is called with the result of the followed call."""


class FollowedMethod:
    """A method of one of torch's classes that is replaced, while there are followers, by one that calls them."""

    def __init__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name
        self._followers: tuple[Callable[..., Done | None], ...] = ()
        self._original: Any = None
        self._replacement: Any = None

    def follow(self, follower: Callable[..., Done | None]) -> None:
        """Call `follower` before each call with its arguments, and the function that it returns after the call."""
        with _lock:
            if not self._followers:
                self._original = vars(self._owner)[self._name]
                self._replacement = self._following(self._original)
                setattr(self._owner, self._name, self._replacement)
            self._followers = (*self._followers, follower)

    def leave(self, follower: Callable[..., Done | None]) -> None:
        """Undo `follow`. If other code has replaced the method since, its version stays and ours does nothing."""
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
    """Call `stop` before Ctrl-C raises KeyboardInterrupt; return a function that undoes this.

    A `with` statement alone can't guarantee it: an interrupt at the first instruction of `__exit__` ends it there.
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
    """Delay Ctrl-C until the yielded function is called, or until the block ends; a second Ctrl-C isn't delayed.

    An interrupt inside torch's own modes leaves them broken: call the function where no code of torch is running. In
    other threads than the main one there are no interrupts anyway.
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
    """Run `work` and delay Ctrl-C until it is done; other threads than the main one are never interrupted."""
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
