"""The pictures of docs/benchmarks.md: whole commands side by side, and how time grows. Readable on light and dark pages."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import rows
from benchmarks.timing import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: on a light page; a style sheet in the picture turns these two for a dark one, the others read well on both
_INK, _FAINT = "#24292f", "#d0d7de"
_DARK = {_INK: "#e6edf3", _FAINT: "#3d444d"}
_OWN, _PEER = "#1a7f5a", "#8c959f"
_LINES = ("#1a7f5a", "#bf6a02", "#6e6ad8")
_WIDTH_IN = 8.6  # about the width of a README, at 96 points an inch

#: what the first picture shows, and how it is called there
_SHOWN = {
    rows.PASTED: "envdoctor diagnose --from (pasted report)",
    rows.DIAGNOSE: "envdoctor diagnose --format json",
    rows.TERMINAL: "envdoctor diagnose",
    "uv pip check": "uv pip check (metadata only)",
    "pip check": "pip check (metadata only)",
    rows.IMPORT: "python -c 'import torch'",
    rows.COLLECT: "python -m torch.utils.collect_env",
    "python -m vllm.collect_env (its engine not imported)": "vLLM's collect_env",
    "env-doctor check --json": "env-doctor check --json",
    "cuda-doctor": "cuda-doctor",
}


def commands(whole: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Bars of seconds, quickest first."""
    shown = {label: Samples(**whole[name]).median for name, label in _SHOWN.items() if name in whole}
    names = sorted(shown, key=shown.__getitem__, reverse=True)
    with _Picture(path, height=0.34 * len(names) + 0.7) as picture:
        (axes,) = picture.panels(1)
        values = [shown[name] for name in names]
        colours = [_OWN if name.startswith("envdoctor") else _PEER for name in names]
        bars = axes.barh(names, values, color=colours, height=0.66)
        axes.bar_label(bars, labels=[f"{value:.2f} s" for value in values], padding=4, color=_INK)
        axes.set_xlim(0, max(values) * 1.1)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)


def growth(results: Mapping[str, Any], path: Path) -> None:
    """Three panels: entries, distributions, pasted reports."""
    matrix, distributions, reports = results["matrix"], results["distributions"], results["reports"]
    with _Picture(path, height=3.0) as picture:
        first, second, third = picture.panels(3)
        entries = [row["entries"] for row in matrix]
        load = ("load", entries, [row["load_ms"] for row in matrix])
        match = ("match 10", entries, [row["match_10_ms"] for row in matrix])
        _lines(first, "entries of the matrix", "ms", (load, match))
        counts = [row["distributions"] for row in distributions]
        _lines(second, "distributions of a target", "s", (("diagnose", counts, [r["seconds"] for r in distributions]),))
        many = [row["reports"] for row in reports]
        each = ("a process each", many, [r["processes_s"] for r in reports])
        together = ("one process", many, [r["one_process_s"] for r in reports])
        _lines(third, "pasted reports", "s", (each, together))


def _lines(axes: Axes, about: str, unit: str, lines: Sequence[tuple[str, Sequence[float], Sequence[float]]]) -> None:
    logarithmic = max(max(up) for *_, up in lines) > 20 * min(min(up) for *_, up in lines)
    axes.set_xscale("log")
    axes.set_yscale("log" if logarithmic else "linear")
    for (name, across, up), colour in zip(lines, _LINES, strict=False):
        axes.plot(across, up, color=colour, marker="o", markersize=4, linewidth=1.8, label=name)
    axes.set_title(f"{about} ({unit})", color=_INK, fontsize=9.5)
    axes.grid(which="major", color=_FAINT, linewidth=0.7)
    axes.minorticks_off()
    top = max(max(up) for _, _, up in lines)
    low = min(min(up) for _, _, up in lines)
    axes.set_ylim((low / 2, top * 4) if logarithmic else (0, top * 1.5))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.legend(frameon=False, labelcolor=_INK, fontsize=8.5, loc="upper left")


class _Picture:
    """One SVG file, with its text as text and the same bytes for the same figures."""

    def __init__(self, path: Path, *, height: float) -> None:
        self._path = path
        self._height = height

    def __enter__(self) -> _Picture:
        import matplotlib as mpl

        mpl.use("svg")
        settings = {
            "svg.fonttype": "none", "svg.hashsalt": "envdoctor", "font.family": "sans-serif", "font.size": 9.5,
            "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"], "text.color": _INK, "axes.labelcolor": _INK,
            "xtick.color": _INK, "ytick.color": _INK, "axes.edgecolor": _FAINT, "axes.spines.top": False,
            "axes.spines.right": False, "axes.spines.left": False,
        }  # fmt: skip
        self._context = mpl.rc_context(settings)
        self._context.__enter__()
        return self

    def panels(self, count: int) -> Sequence[Axes]:
        """Empty axes beside each other."""
        from matplotlib.figure import Figure

        self._figure = Figure(figsize=(_WIDTH_IN, self._height), layout="constrained")
        return [self._figure.add_subplot(1, count, number + 1) for number in range(count)]

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            out = io.StringIO()
            self._figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
            self._path.write_text(_for_dark_pages(out.getvalue()), "utf-8")
        self._context.__exit__(None, None, None)


def _for_dark_pages(svg: str) -> str:
    rules = "".join(
        f'[style*="fill: {light}"]{{fill:{dark} !important}}[style*="stroke: {light}"]{{stroke:{dark} !important}}'
        for light, dark in _DARK.items()
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>\n"
    head, tag, rest = svg.partition(" <defs>\n")
    text = head + style + tag + rest
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
