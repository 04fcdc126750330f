"""The known-issues matrix: entries and tables as data, compiled to one JSON and read back lazily."""

from envdoctor.knowledge.entry import EntryCore, EntryTexts, Evidence, FixOption, Signature
from envdoctor.knowledge.matrix import Matrix, load_matrix, matrix_from

__all__ = [
    "EntryCore", "EntryTexts", "Evidence", "FixOption", "Matrix", "Signature", "load_matrix", "matrix_from",
]  # fmt: skip
