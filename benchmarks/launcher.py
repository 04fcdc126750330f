"""Runs one command and prints what it took, as JSON. Standard library alone, in a process of its own (`python -I -S`):

the peak memory that the system gives for a child begins with that of the process which starts it, so that has to be small.
"""

import json
import os
import sys
import time


def main() -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    start = time.perf_counter()
    child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nothing, 1)])
    _, state, used = os.wait4(child, 0)
    wall = time.perf_counter() - start
    json.dump(
        [os.waitstatus_to_exitcode(state), wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024], sys.stdout
    )


if __name__ == "__main__":
    main()
