"""`envdoctor explain ID`: everything that the matrix says about one entry."""

from __future__ import annotations

import re
from collections.abc import Iterable

import typer

from envdoctor.cli.command import says
from envdoctor.cli.language import LANG, language
from envdoctor.errors import UsageError
from envdoctor.text import Text


@says(
    Text(
        en="Show one entry in full: cause, fixes, condition, evidence.",
        zh="显示一个条目的全部内容：原因、解决办法、适用条件、证据。",
    )
)
def explain_command(
    entry_id: str = typer.Argument(
        ..., metavar="ID", help=Text(en="ED-YYYY-NNNN or EC-name.", zh="ED-YYYY-NNNN 或 EC-name。")
    ),
    lang: str = LANG,
) -> int:
    from envdoctor.cli.output import columns, write_output
    from envdoctor.knowledge import load_matrix
    from envdoctor.render.entry import entry_text
    from envdoctor.render.plain import shortened

    chosen = language(lang)
    matrix = load_matrix()
    number = matrix.number(entry_id)
    if number is None:
        from envdoctor.nearest import did_you_mean, nearest

        close = _numbered(entry_id, matrix.ids()) or nearest(entry_id, matrix.ids())
        advice = (
            did_you_mean(close)
            if close
            else Text(en="envdoctor matrix list shows all", zh="用 envdoctor matrix list 查看全部条目")
        )
        name = shortened(entry_id, 60)
        raise UsageError(
            Text(en=f"there is no entry {name} in the matrix", zh=f"知识库中没有条目 {name}"), advice=advice
        )
    write_output(entry_text(matrix.core(number), matrix.texts(number), chosen, columns()), None)
    return 0


def _numbered(text: str, ids: Iterable[str]) -> str | None:
    """The entry that a number means which was written short: `3`, `ED-3`, `ED-2026-003`."""
    found = re.fullmatch(r"(?:ED-)?(?:(\d{4})-)?0*(\d{1,4})", text.strip(), re.IGNORECASE)
    if found is None:
        return None
    year, number = found.groups()
    ends = f"-{year}-{int(number):04}" if year else f"-{int(number):04}"
    return next((known for known in ids if known.startswith("ED-") and known.endswith(ends)), None)
