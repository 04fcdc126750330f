"""Ordered version schemes and intervals over them. Matching never uses PEP 440 specifier membership."""

from envdoctor.versions.interval import Interval, at_least, within
from envdoctor.versions.schemes import Scheme, compare, is_valid

__all__ = ["Interval", "Scheme", "at_least", "compare", "is_valid", "within"]
