"""All compiled extensions of a target, judged from their files, beside `python -c 'import torch'` in the same run.

    python benchmarks/extensions.py ENVIRONMENT [ROUNDS]

ENVIRONMENT is a folder with `bin/python` that has torch and extension packages. Budget: a third of the import. Both are
measured in turns, each round both, as whole numbers of the same machine in the same minute.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

BUDGET = 1 / 3

INSPECT = """
import json, platform, sys, time
start = time.perf_counter()
import os
from pathlib import Path
from envdoctor.binaries import inspect_extensions, read_system
site, executable, cuda = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] or None
facts = inspect_extensions(
    site_packages=[site], torch_dir=site / "torch", python_tag=sys.argv[4], gpu_capabilities=["8.9"], driver_cuda=None,
    system=read_system(machine=platform.machine(), environ=os.environ), torch_cuda=cuda, executable=executable,
)
print(json.dumps({"seconds": time.perf_counter() - start, "files": len(facts),
                  "owners": sorted({f.distribution or "?" for f in facts})}))
"""


def main() -> int:
    environment = Path(sys.argv[1]).absolute()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    site = next(environment.glob("lib/python3*/site-packages"))
    python = str(environment / "bin/python")
    tag = "cp" + site.parent.name.removeprefix("python").replace(".", "")
    query = "import torch; print(torch.version.cuda or '')"
    cuda = subprocess.run(
        [python, "-W", "ignore", "-c", query], capture_output=True, text=True, check=True
    ).stdout.strip()
    imports, inspections, result = [], [], {}
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run([python, "-W", "ignore", "-c", "import torch"], check=True)
        imports.append(time.perf_counter() - start)
        command = [sys.executable, "-c", INSPECT, str(site), python, cuda, tag]
        result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        inspections.append(result["seconds"])
    whole, ours = statistics.median(imports), statistics.median(inspections)
    print(f"machine: {platform.machine()}, {platform.python_version()}; {rounds} rounds, medians")
    print(f"{result['files']} files of {', '.join(result['owners'])}")
    print(f"python -c 'import torch'   {whole:7.3f} s   ({min(imports):.3f} to {max(imports):.3f})")
    print(f"inspect_extensions         {ours:7.3f} s   ({min(inspections):.3f} to {max(inspections):.3f})")
    print(f"ratio {ours / whole:.3f}, budget {BUDGET:.3f}: {'held' if ours <= whole * BUDGET else 'BROKEN'}")
    return 0 if ours <= whole * BUDGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
