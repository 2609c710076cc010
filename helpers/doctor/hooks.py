"""Hooks on all that PyTorch runs: set and taken off whole, whatever interrupts, and without harm to other threads."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook

Follower = Callable[[Optimizer], None]

_lock = threading.Lock()
_followers: tuple[Follower, ...] = ()
_is_registered = False


def follow_steps(follower: Follower) -> None:
    """Have `follower` called before each step of any optimizer, until `leave_steps`.

    The first call registers one hook that stays and does nothing without followers: PyTorch goes through its hooks
    while it calls them, so that one more or one less would break the step that another thread is at.
    """
    global _followers, _is_registered
    with _lock:
        if not _is_registered:
            register_optimizer_step_pre_hook(_before_step)
            _is_registered = True
        _followers = (*_followers, follower)


def leave_steps(follower: Follower) -> None:
    """Undo `follow_steps`; nothing where that is done already."""
    global _followers
    with _lock:
        _followers = tuple(each for each in _followers if each != follower)


def _before_step(optimizer: Optimizer, *_: Any) -> None:
    for follower in _followers:
        follower(optimizer)


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
