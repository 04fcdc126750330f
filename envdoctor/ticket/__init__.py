"""Tickets: one attachment that is complete enough to diagnose from and safe to publish; reading them back; comparing two.

ticket = build_ticket(report, logs=[...])     what would leave; `preview(ticket)` shows it
write_ticket(ticket, Path("ticket.zip"))      scans the finished archive, writes it whole or not at all
read_ticket(Path("ticket.zip"))               the report, as `--format json` gives it
diff_reports(before, after)                   what changed that can matter
"""

from __future__ import annotations

from envdoctor.ticket.archive import LeakError, check_ticket_output, write_ticket
from envdoctor.ticket.bundle import Ticket, build_ticket, preview
from envdoctor.ticket.diff import Change, Difference, diff_reports
from envdoctor.ticket.reading import read_ticket

__all__ = [
    "Change",
    "Difference",
    "LeakError",
    "Ticket",
    "build_ticket",
    "check_ticket_output",
    "diff_reports",
    "preview",
    "read_ticket",
    "write_ticket",
]
