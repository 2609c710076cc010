"""Judge a learner's function or number.

The function is tried on several inputs in a thread of its own. If it raises, the message names the line; an endless
loop, a request for too much memory and endless printing are stopped. This guards against slips; it is no sandbox. It
can't stop what Python itself can't interrupt: one long call into C, such as `7**(3*10**7)`, blocks the notebook until
it is done, and code that catches every exception, or waits in C, goes on in the background. The message then says so;
*Kernel → Restart* ends both.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import ctypes
import io
import linecache
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TextIO

import numpy as np

from helpers.arrays import Array
from helpers.quiz import read_number

SECONDS = 5.0
"""The seconds that a learner's function may take on one input."""
MEMORY = 2_000_000_000
"""The bytes that a learner's function may allocate, where the system can enforce it."""
PRINTED = 10_000
"""The number of characters that a learner's function may print on one input."""
LONGEST = 300
"""The number of characters of an error's message that are shown."""
GOES_ON = (
    " It could not be stopped and goes on in the background: it is in one long call, or it catches every exception. "
    "*Kernel → Restart* ends it."
)

DIGITS = {"float16": 3, "bfloat16": 2, "float8_e4m3fn": 1, "float8_e5m2": 1}
"""The significant digits of the types that are too coarse for an exercise's tolerance."""

Status = Literal["right", "wrong", "open"]


@dataclass(frozen=True)
class CheckResult:
    """The result of a check. `open` means that there is nothing to judge yet; `hint` is the exercise's first hint."""

    status: Status
    message: str
    hint: str = ""

    @property
    def correct(self) -> bool:
        """True where the exercise is solved."""
        return self.status == "right"


@dataclass(frozen=True)
class Exercise:
    """One task, whose text stands in the notebook. `solution` is code that defines a name equal to `id`; tests run it.

    `lesson` is the number in the name of the module, filled in by `helpers.exercises`.
    """

    id: str
    hints: tuple[str, ...]
    solution: str
    judge: Callable[[Any], CheckResult]
    lesson: str = ""


@dataclass(frozen=True)
class Mistake:
    """A wrong rule that people really use, and the sentence that explains the mistake."""

    rule: Callable[..., Any]
    sentence: str


class Failed(Exception):
    """The learner's code gave no usable value; the message continues a sentence such as "On `f(1)`: …"."""


# Trying a learner's function -----------------------------------------------------------------------------------------


def judge_function(
    function: Any,
    name: str,
    rule: Callable[..., Any],
    inputs: Sequence[tuple[Any, ...]],
    tolerance: float = 1e-6,
    floor: float = 0.0,
    mistakes: Sequence[Mistake] = (),
) -> CheckResult:
    """Compare the function with a rule on each input, with a relative tolerance and an absolute floor."""

    def complain(given: Array, *arguments: Any) -> str:
        expected = np.asarray(rule(*arguments), dtype=np.float64)
        if np.allclose(given, expected, rtol=tolerance, atol=floor):
            return ""
        found = _named_mistake(given, arguments, mistakes, tolerance)
        return f"gives {_show(given)}; the right result is {_show(expected)}. {found}".rstrip()

    return judge_values(function, name, lambda *arguments: np.shape(rule(*arguments)), complain, inputs)


def judge_values(
    function: Any,
    name: str,
    shape: Callable[..., tuple[int, ...]],
    complain: Callable[..., str],
    inputs: Sequence[tuple[Any, ...]],
) -> CheckResult:
    """Judge the numbers that the function returns on each input by `complain`, where no rule gives the right ones.

    `shape(*arguments)` is the required shape; `complain(numbers, *arguments)` continues the sentence after the call, as
    in "gives only zeros.", or is empty where nothing is wrong.
    """
    if not callable(function):
        return CheckResult("wrong", f"Pass the function itself, `{name}` without parentheses, not its return value.")
    for arguments in inputs:
        call = f"{name}({', '.join(_show(argument) for argument in arguments)})"
        try:
            found = call_safely(function, arguments, partial(_numbers_or_nothing, shape=shape(*arguments)))
        except Failed as failure:
            return CheckResult("wrong", f"On `{call}`: {failure}")
        if found is None:
            return CheckResult("open", f"Not yet done: `{name}` returns nothing. Is a `return` missing?")
        given, coarse = found
        if complaint := complain(given, *arguments):
            return CheckResult("wrong", f"`{call}` {complaint} {coarse}".rstrip())
    return CheckResult("right", f"It agrees on all {len(inputs)} inputs.")


def _named_mistake(given: Any, arguments: tuple[Any, ...], mistakes: Sequence[Mistake], tolerance: float) -> str:
    for mistake in mistakes:
        if np.allclose(given, mistake.rule(*arguments), rtol=tolerance, atol=0.0):
            return mistake.sentence
    return ""


def call_safely(
    function: Callable[..., Any], arguments: tuple[Any, ...], read: Callable[[Any], Any] = lambda value: value
) -> Any:
    """Call the function on copies of the arguments and return `read` of its value; Failed names the error and its line.

    `read` runs under the same guard, since an object of the learner's own class may do anything while it is read.
    """
    outcome: dict[str, Any] = {}

    def work() -> None:
        try:
            with np.errstate(all="ignore"):
                outcome["value"] = read(function(*copy.deepcopy(arguments)))
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    out, errors = _LimitedOutput(sys.stdout), _LimitedOutput(sys.stderr)
    with _judges_kept(), _limited_memory(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            thread.start()
        except RuntimeError:  # a browser has no threads: run it here; only closing the page stops it
            work()
        else:
            _wait_for(thread)
    if "error" in outcome:
        error = outcome.pop("error")  # its traceback would keep all objects of the code alive
        raise Failed(str(error) if isinstance(error, Failed) else _describe(error, function))
    return outcome["value"]


def _wait_for(thread: threading.Thread) -> None:
    """Wait until the thread is done; Failed where it takes too long or the learner stops it."""
    began = time.monotonic()
    try:
        thread.join(SECONDS)
    except KeyboardInterrupt:
        raise Failed(f"you stopped it.{_stop(thread)}") from None
    if thread.is_alive():
        waited = time.monotonic() - began  # longer where a call into C held the interpreter
        seconds = SECONDS if waited < 2 * SECONDS else waited
        raise Failed(f"no answer after {seconds:.2g} seconds. Is there an endless loop?{_stop(thread)}")


def _stop(thread: threading.Thread) -> str:
    """Make the thread's Python code raise SystemExit; return a sentence if it keeps running all the same."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
    thread.join(0.5)
    return GOES_ON if thread.is_alive() else ""


@contextlib.contextmanager
def _limited_memory() -> Iterator[None]:
    """Let the process grow by at most `MEMORY` bytes; more raises MemoryError. Other systems than Linux
    have no such limit, only the one on time."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (wanted if soft == resource.RLIM_INFINITY else min(wanted, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def _judges_kept() -> Iterator[None]:
    """Undo the code's changes to numpy and builtins, since the judgement relies on them."""
    before = [(vars(module), dict(vars(module))) for module in (builtins, np)]
    try:
        yield
    finally:
        for names, kept in before:
            names.update(kept)


class _LimitedOutput(io.TextIOBase):
    """Passes on the first `PRINTED` characters, then prints that the rest is left out."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._left = out, PRINTED

    def write(self, text: str) -> int:
        if self._left > 0:
            self._out.write(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._out.write("\n… more is printed; the rest is left out.\n")
        return len(text)

    def flush(self) -> None:
        self._out.flush()


def _describe(error: BaseException, function: Callable[..., Any]) -> str:
    """Describe the error and the innermost line of the learner's own code."""
    try:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    except Exception:
        what = type(error).__name__
    what = what if len(what) <= LONGEST else f"{what[:LONGEST]}…"
    try:
        file = function.__code__.co_filename
    except Exception:
        file = None
    lines = [number for frame, number in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    if isinstance(error, MemoryError):
        what = f"MemoryError: it asks for more than {MEMORY / 1e9:g} GB of memory"
    if not lines or file is None:
        return f"it stops with {what}."
    source = linecache.getline(file, lines[-1]).strip()
    return f"it stops with {what}, in line {lines[-1]}" + (f": `{source}`" if source else ".")


def numbers_from(function: Callable[..., Any], arguments: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """Call the function and return its value as float64 numbers of this shape; Failed says what is wrong."""
    numbers: Array = call_safely(function, arguments, partial(_as_numbers, shape=shape))[0]
    return numbers


def _numbers_or_nothing(raw: Any, shape: tuple[int, ...]) -> tuple[Array, str] | None:
    """Like `_as_numbers`; None if the function returns nothing yet."""
    return None if raw is ... or raw is None else _as_numbers(raw, shape)


def _as_numbers(raw: Any, shape: tuple[int, ...]) -> tuple[Array, str]:
    """The value as finite float64 numbers of the given shape, and a sentence if its type is too coarse.

    Failed says what is wrong.
    """
    types: list[str] = []
    try:
        plain = _without_tensors(raw, types)
        if len(shape) == 1 and isinstance(plain, list) and any(np.ndim(part) for part in plain):
            plain = np.concatenate([np.ravel(part) for part in plain])  # several arrays, as one row
        array = np.asarray(plain)
        types.append(array.dtype.name)
        given = _as_float64(array)
    except Failed:
        raise
    except OverflowError:
        raise Failed("it returns a whole number that is too large for a float64.") from None
    except Exception:
        named = ", ".join(name for name in types if name != "object")
        of = f"{type(raw).__name__} ({named})" if named else type(raw).__name__
        raise Failed(f"it returns a value of type {of}, not a number.") from None
    if given.shape != shape:
        wanted = f"numbers of shape {shape}" if shape else "one number"
        raise Failed(f"it returns numbers of shape {given.shape}; wanted: {wanted}.")
    if not np.all(np.isfinite(given)):
        raise Failed(f"it returns {_show(given)}, which is not finite.")
    coarse = next((name for name in types if name in DIGITS), "")
    digits = f"A {coarse} keeps about {DIGITS[coarse]} digits: compute in float32 or float64." if coarse else ""
    return given, digits


def _without_tensors(value: Any, types: list[str]) -> Any:
    """The value with PyTorch's tensors replaced by arrays, also inside lists; appends the tensors' types to `types`."""
    if isinstance(value, list | tuple):
        return [_without_tensors(part, types) for part in value]
    if np.ma.is_masked(value):
        raise Failed("it returns a masked array that hides some of its numbers; all of them are needed.")
    if not hasattr(value, "detach"):
        return value
    name = str(value.dtype).removeprefix("torch.")
    types.append(name)
    tensor = value.detach().cpu()
    return tensor.numpy() if name.startswith(("complex", "bool")) else tensor.double().numpy()


def _as_float64(array: Array) -> Array:
    """The array in float64; Failed or TypeError where the conversion would lose information or make no sense."""
    if np.iscomplexobj(array) or (array.dtype == object and any(isinstance(each, complex) for each in array.flat)):
        raise Failed(f"it returns complex numbers, of type {array.dtype.name}; real ones are wanted.")
    if array.dtype == bool or (array.dtype == object and any(isinstance(each, bool) for each in array.flat)):
        raise Failed("it returns True or False, of type bool; a number is wanted.")
    if array.dtype.kind in "SUMmV" or any(isinstance(each, str | bytes) for each in array.flat):
        raise TypeError("texts, dates and records aren't numbers")
    return array.astype(np.float64)


def _show(value: Any) -> str:
    """Format a number, an array, a list of arrays or a function, short enough for a sentence."""
    if callable(value):
        return str(getattr(value, "__name__", "a function"))
    if isinstance(value, list):
        return f"[{', '.join(_show(part) for part in value)}]"
    numbers = np.atleast_1d(np.asarray(value, dtype=np.float64))
    words = [f"{number:.4g}" for number in numbers.ravel()[:6]]
    if np.ndim(value) == 0:
        return words[0]
    more = f", … {numbers.size} in all" if numbers.size > len(words) else ""
    return f"[{', '.join(words)}{more}]"


def judge_number(thing: Any, judge: Callable[[float], CheckResult]) -> CheckResult:
    """Read one number from a number, a text or a tensor of one number, then judge it."""
    number = _scalar(thing)
    if isinstance(number, bool | complex | np.complexfloating):
        return CheckResult("wrong", f"That is a value of type {type(number).__name__}. Write one number, such as 0.25.")
    try:
        return judge(read_number(number))
    except ValueError as error:
        return CheckResult("wrong", str(error))


def _scalar(thing: Any) -> Any:
    """The number in an array or tensor of one number; None for one that holds more."""
    try:
        return thing.item() if hasattr(thing, "item") else thing
    except Exception:
        return None
