"""Runs rung programs one after another in this process and reports on a pipe, a JSON object a line.

Arguments: the number of the pipe's descriptor, and the plan (a JSON file). Each program defines `run(rung)`. What is going
on is said before it is done, so that a process that dies in the middle is known to have died there.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.util
import json
import math
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, ClassVar

MAX_TEXT = 2000


class CannotRun(Exception):  # noqa: N818 (not an error: a check that has nothing to run on)
    """A check that has nothing to run on; says why, as a code of `smoke/details.py` and the values for it."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.detail = part(code, values)


def part(code: str, values: dict[str, object]) -> Any:
    """What envdoctor turns into a sentence of the reader's language; a text without a code is shown as it is."""
    return {"code": code, "values": {name: str(value)[:MAX_TEXT] for name, value in values.items()}}


class Check:
    """One check: collects numbers, decides on an outcome, and reports when the `with` block ends."""

    count = 0

    def __init__(self, rung: Rung, name: str, device: str) -> None:
        self.rung, self.name, self.device = rung, name, device
        self.outcome = "passed"
        self.detail: list[Any] = []
        self.said: str | None = None
        self.numbers: list[dict[str, Any]] = []
        self.unexpected: list[str] = []
        self.started = 0.0
        self.mark = 0

    def number(self, name: str, value: float, limit: float | None = None, unit: str = "") -> None:
        """A measured number. NaN and infinity fail; so does what lies above its limit."""
        finite = math.isfinite(value)
        self.numbers.append({"name": name, "value": value if finite else None, "limit": limit, "unit": unit})
        if not finite:
            self.fail("nan", "not-finite", name=name, value=repr(value))
        elif limit is not None and value > limit:
            self.fail("failed-wrong-numbers", "over-limit", name=name, value="%.3g" % value, limit="%.3g" % limit)

    def tell(self, code: str, **values: object) -> None:
        """What the check has to say, as a code and its values."""
        self.detail = [part(code, values)]

    def fail(self, outcome: str, code: str, **values: object) -> None:
        """Marks the check; the first failure is the one that counts. What was told before stands behind it."""
        if self.outcome == "passed":
            self.outcome = outcome
            self.detail = [part(code, values), *self.detail]

    def __enter__(self) -> Check:
        Check.count += 1
        self.mark = Check.count
        sys.stdout.flush()
        sys.stderr.flush()
        with contextlib.suppress(OSError):
            os.write(2, b"\x1e%d\n" % self.mark)  # what follows on stderr belongs to this check
        self.rung.send({"event": "check", "rung": self.rung.name, "name": self.name, "device": self.device})
        self.started = time.monotonic()
        return self

    def __exit__(self, kind: Any, problem: Any, trace: Any) -> bool:
        if problem is not None:
            if isinstance(problem, (KeyboardInterrupt, SystemExit)):
                return False
            self._classify(problem)
        self.rung.send(
            {
                "event": "result",
                "rung": self.rung.name,
                "name": self.name,
                "device": self.device,
                "outcome": self.outcome,
                "detail": self.detail[:8],
                "numbers": self.numbers,
                "said": self.said,
                "unexpected": self.unexpected[:200],
                "mark": self.mark,
                "seconds": time.monotonic() - self.started,
            }
        )
        return True

    def _classify(self, problem: BaseException) -> None:
        text = f"{type(problem).__name__}: {problem}"
        if isinstance(problem, CannotRun):
            self.outcome, self.detail = "cannot-run", [problem.detail]
            return
        if self.device == "cpu" and "not implemented for '" in text:  # float16 on the CPU came late to torch
            self.outcome, self.detail = "cannot-run", [text[:MAX_TEXT]]
            return
        traceback.print_exception(type(problem), problem, problem.__traceback__)
        sys.stderr.flush()
        if isinstance(problem, ImportError):
            self.outcome = "import-error"
        elif isinstance(problem, MemoryError) or type(problem).__name__ == "OutOfMemoryError":
            self.outcome = "out-of-memory"
        else:
            self.outcome = "error"
        self.detail = [text[:MAX_TEXT]]


class Rung:
    """What a program is given: its options, a way to report, and torch, imported once for all programs of this process."""

    CannotRun = CannotRun
    modules: ClassVar[dict[str, Any]] = {}
    broken: ClassVar[dict[str, str]] = {}

    def __init__(self, name: str, options: dict[str, Any], folder: str, send: Callable[[dict[str, Any]], None]) -> None:
        self.name, self.options, self.folder, self.send = name, options, folder, send

    def check(self, name: str, device: str = "") -> Check:
        return Check(self, name, device)

    def need(self, module: str) -> Any:
        """Imports what a program tests: CannotRun where it is not installed, ImportError where it is broken."""
        root = module.split(".", 1)[0]
        if module in Rung.broken:
            raise CannotRun("broken-before", module=root, problem=Rung.broken[module])
        if module not in sys.modules and importlib.util.find_spec(root) is None:
            raise CannotRun("not-installed", module=root)
        try:
            return importlib.import_module(module)
        except Exception as problem:
            Rung.broken[module] = f"{type(problem).__name__}: {problem}"
            raise

    def place(self, torch: Any) -> str:
        """The device to run on, "cpu" or "cuda:N": what was asked for, or the first GPU that torch sees; else CannotRun."""
        wanted: str = self.options["device"]
        count = torch.cuda.device_count() if wanted != "cpu" and torch.cuda.is_available() else 0
        if wanted == "cpu" or (wanted == "auto" and count == 0):
            return "cpu"
        index = 0 if wanted == "auto" else int(wanted.split(":", 1)[1])
        if index >= count:
            raise CannotRun("no-such-gpu", device="cuda:%d" % index, count=count)
        return "cuda:%d" % index

    def text(self, name: str) -> dict[str, Any]:
        """The names of a helper text that lies beside the programs."""
        if name not in Rung.modules:
            Rung.modules[name] = load(os.path.join(self.folder, name + ".py"), name)
        return dict(Rung.modules[name])


def load(path: str, name: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    namespace: dict[str, Any] = {"__name__": "envdoctor_" + name, "__file__": path}
    exec(compile(text, path, "exec"), namespace)  # noqa: S102 (envdoctor's own text, from the folder it just wrote)
    return namespace


def settle() -> None:
    """A rung must not harm its caller: no core file, dies with its parent, is the first to go when memory runs out."""
    try:
        resource: Any = importlib.import_module("resource")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
    except OSError:
        pass
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def main() -> int:
    pipe = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8", buffering=1)
    folder = os.path.dirname(os.path.abspath(sys.argv[2]))
    with open(sys.argv[2], encoding="utf-8") as file:
        plan = json.load(file)
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != folder]
    settle()

    def send(message: dict[str, Any]) -> None:
        pipe.write(json.dumps(message) + "\n")
        pipe.flush()

    send({"event": "hello", "python": "%d.%d.%d" % sys.version_info[:3]})
    for job in plan["jobs"]:
        send({"event": "begin", "rung": job["rung"]})
        rung = Rung(job["rung"], job["options"], folder, send)
        try:
            load(os.path.join(folder, job["program"] + ".py"), job["program"])["run"](rung)
        except Exception as problem:
            with rung.check("program"):
                raise problem  # noqa: TRY201 (inside a new block: there is nothing to re-raise bare)
        send({"event": "end", "rung": job["rung"]})
    send({"event": "bye"})
    sys.stderr.flush()
    # a library that hangs or crashes while Python shuts down has already shown what it can do
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
