"""Progress on standard error, for a person at a terminal: nothing for what is quick, one line for what takes a second."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

_PATIENCE_S = 1.0


class Steps:
    """Says which step is under way, once it has taken a second. The line is wiped away when the step ends.

    Use as a context manager; `begin(text)` starts a step and ends the one before it. Elsewhere than on a terminal (a CI log,
    a pipe) nothing is said.
    """

    def __init__(self, *, wait: float = _PATIENCE_S) -> None:
        self._wait = wait
        self._terminal = sys.stderr.isatty()
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._shown = False

    def __enter__(self) -> Steps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def begin(self, text: str) -> None:
        """A step begins, and the one before it has ended."""
        self.end()
        if not self._terminal:
            return
        self._timer = threading.Timer(self._wait, self._show, (text,))
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """The step has ended: what it showed on a terminal goes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        with self._lock:
            if self._shown:
                _write("\r\x1b[K")
            self._shown = False

    def _show(self, text: str) -> None:
        from envdoctor.cli.language import spoken
        from envdoctor.cli.output import columns
        from envdoctor.render.plain import shortened, visible

        with self._lock:
            self._shown = True
            line = f"envdoctor：{visible(text)}……" if spoken() == "zh" else f"envdoctor: {visible(text)} ..."
            _write(shortened(line, columns()))


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody listens: progress is no reason to fail
        return
