"""What uv says when it cannot answer: the very cause is kept, and the next step fits it."""

from __future__ import annotations

import pytest

from envdoctor.resolve.problem import _next_step, _why

HEAD = "error: Failed to fetch: https://u:secret@pypi.example/simple/torch/\n  cause: error sending request\n  cause: client error (Connect)\n"


@pytest.mark.parametrize(
    ("last", "step"),
    [
        ("  cause: invalid peer certificate: UnknownIssuer\n", "SSL_CERT_FILE"),
        ("  cause: invalid peer certificate: Expired\n", "the clock"),
        ("  cause: dns error: no such host\n", "check the network"),
        ("  cause: HTTP status client error (403 Forbidden)\n", "credentials"),
    ],
)
def test_the_last_cause_is_the_one_that_tells(last: str, step: str):
    said = str(_why(HEAD + last, offline=False))
    assert last.partition(":")[2].strip() in said
    assert "secret" not in said
    assert step in _next_step(HEAD + last)


def test_a_cache_that_cannot_be_written():
    assert "UV_CACHE_DIR" in _next_step(
        "error: Failed to initialize cache at `/x`\n  cause: Permission denied (os error 13)\n"
    )
