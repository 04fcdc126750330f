"""Redaction of text: what a machine knows of itself first, then what looks like a secret.

`Redactor` masks; `machine_literals` collects what must not leave this machine. Masks are ordinals by kind, such as
`<token-1>`: the same secret has the same name within one redactor, and nothing about it can be computed back.
"""

from __future__ import annotations

from envdoctor.ticket.redact.literal import Literal
from envdoctor.ticket.redact.machine import machine_literals
from envdoctor.ticket.redact.redactor import Redactor

__all__ = ["Literal", "Redactor", "machine_literals"]
