"""Built-in checks: what needs arithmetic, tables or demangling, as pure functions over facts.

Each is named by its id `EC-name`; its class, texts, fixes, evidence and cases are data (`matrix/checks/EC-name.toml`).
"""

from envdoctor.diagnose.checks import (  # noqa: F401 - importing a module registers its checks
    driver,
    extensions,
    gpu_code,
    installers,
    log_python,
    log_symbols,
    messages,
    models,
    pins,
    requirements,
    sglang,
    shapes,
    smoke,
    workload,
)
from envdoctor.diagnose.checks.registry import CHECKS, CheckContext, Hit, check

__all__ = ["CHECKS", "CheckContext", "Hit", "check"]
