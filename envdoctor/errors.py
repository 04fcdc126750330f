"""The one error family of envdoctor. The CLI catches it in one place and turns it into a line and an exit status."""

from __future__ import annotations


class EnvdoctorError(Exception):
    """Anything that envdoctor refuses or cannot do, said in one or two lines for a person.

    `exit_status` is what the process ends with; `advice` is the next step, shown on a line of its own.
    """

    exit_status = 3

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        super().__init__(message)
        self.advice = advice


class UsageError(EnvdoctorError):
    """The call or the configuration is wrong (exit status 2)."""

    exit_status = 2


class UndeterminedError(EnvdoctorError):
    """What was asked for could not be determined: a probe, an index or a file failed (exit status 3)."""

    exit_status = 3


class InputError(UsageError):
    """Something that was given to be read is not what it claims to be (exit status 2)."""
