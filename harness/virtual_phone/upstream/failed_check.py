"""How upstream's program ends where it ends itself: a failed check, or a signal."""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import NoReturn

from harness.errors import UserError
from harness.runtime.observer import ConsoleObserver
from harness.runtime.prompt_limit import PromptTooLong


class FailedCheck(Exception):
    """A check of upstream's that fails.

    Attributes:
        function: Function that checks.
        condition: What it checks, as its source says it.
        text: What it says; empty of one that says nothing.
        logged: Errors that were logged before.
    """

    def __init__(
        self, function: str, condition: str, text: str = "", logged: tuple[str, ...] = ()
    ) -> None:
        super().__init__(function, condition, text)
        self.function = function
        self.condition = condition
        self.text = text
        self.logged = logged

    @classmethod
    def of(cls, error: UserError) -> FailedCheck:
        """The check that fails where our runner refuses with a sentence."""
        if isinstance(error, PromptTooLong):
            condition = "cur_pos_ + num_prompt_tokens < seq_len"
            text = "sequence length exceeded - please increase the seq_len value"
            return cls("generate", condition, text)
        # What cannot be loaded is logged, and an empty result trips over itself.
        return cls("CheckOk", "hasValue_", logged=(str(error),))

    def end_process(self, observer: ConsoleObserver) -> NoReturn:
        """Log the check and abort."""
        for line in self.logged:
            observer.log(line, level="E")
        failed = f"({self.condition}): {self.text}" if self.text else f": {self.condition}"
        blank = " " if self.text else ""
        observer.log(f"In function {self.function}(), assert failed{blank}{failed}", level="F")
        die(signal.SIGABRT)


def terminate(exception: str, what: str) -> NoReturn:
    """End as C++ does at an exception that nobody catches.

    Args:
        exception: Its class.
        what: What it says.
    """
    print(f"terminate called after throwing an instance of '{exception}'", file=sys.stderr)
    print(f"  what():  {what}", file=sys.stderr)
    die(signal.SIGABRT)


def die(number: signal.Signals) -> NoReturn:
    """End this process by a signal, without a core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise AssertionError(f"{number.name} is blocked")
