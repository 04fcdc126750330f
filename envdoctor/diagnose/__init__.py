"""(Facts, Matrix) -> Findings. Pure: no I/O, no clock; imports neither probes nor parsers."""

from envdoctor.diagnose.finding import Because, Coverage, Diagnosis, Finding, Missing, Option, severity_of
from envdoctor.diagnose.match import diagnose, with_further, with_status

__all__ = [
    "Because", "Coverage", "Diagnosis", "Finding", "Missing", "Option", "diagnose", "severity_of", "with_further", "with_status",
]  # fmt: skip
