"""What all tests share."""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.ledger import print_measured

# Before numpy is loaded: one thread for each product of small matrices, in the kernels that tests start too.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Other programs share the processor, so no example has a time limit.
settings.register_profile("course", deadline=None, print_blob=True)
settings.load_profile("course")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too, as CI=true does")
    parser.addoption(
        "--exhaustive", action="store_true", help="run the tests marked exhaustive too, as nothing else does"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keeps the tests away from the progress of whoever runs them; start.py names a folder, other starts get one.

    A shell that runs the tests in the background has them ignore Ctrl-C, and what they start would ignore it too: the
    tests that send Ctrl-C need it heard.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "GRADIENT_COURSE_HOME" not in os.environ:
        home = tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True)
        os.environ["GRADIENT_COURSE_HOME"] = home.name
        config.add_cleanup(home.cleanup)


LONGEST = ("tests/browser/", "notebooks/", "tests/test_science.py", "tests/test_start.py")
"""What processes that share the tests begin with, so that none is left with a long piece at the end."""


class BrowserTogether(LoadScopeScheduling):
    """Each module and each notebook goes to one process whole; all tests in the browser go to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    return BrowserTogether(config, log) if config.getoption("dist") == "loadscope" else None


TIERS = {
    "exhaustive": "exhaustive: runs with --exhaustive",
    "slow": "slow: runs with --slow or where CI=true",
}
"""The markers of tests that don't always run, with what a test is skipped for; the first that a test has counts."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: [not item.nodeid.startswith(start) for start in LONGEST])
    slow = bool(config.getoption("--slow") or os.environ.get("CI"))
    wanted = {"slow": slow, "exhaustive": bool(config.getoption("--exhaustive"))}
    for item in items:
        tier = next((tier for tier in TIERS if tier in item.keywords), None)
        if tier and not wanted[tier]:
            item.add_marker(pytest.mark.skip(reason=TIERS[tier]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """After the tests: the claims that they measured, and what was left out for want of something on this machine."""
    print_measured(terminalreporter)
    print_left_out(terminalreporter)


def print_left_out(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each reason for which tests were skipped, with their number; the tiers are no news."""
    words = [report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", [])]
    reasons = Counter(word for word in words if word not in TIERS.values())
    if reasons:
        terminalreporter.section("left out on this machine")
        for reason, count in sorted(reasons.items()):
            terminalreporter.write_line(f"{count} test{'s' if count > 1 else ''}: {reason}")
