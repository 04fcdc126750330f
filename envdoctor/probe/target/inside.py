"""What the target's interpreter is asked, run by it with `-I -S`: standard library only, Python 3.8 syntax.

Prints `key=value` fields between NUL characters (paths hold none), after a mark that shows that a Python answered.
"""

import posix
import site
import sys


def answer() -> str:
    """The fields, as text."""
    here = posix.uname()
    version = sys.version_info
    final = version.releaselevel == "final"
    full = f"{version.major}.{version.minor}.{version.micro}"
    full += "" if final else f"{version.releaselevel[0]}{version.serial}"
    fields = {
        "python": full,
        "implementation": sys.implementation.name,
        "abiflags": getattr(sys, "abiflags", ""),
        "cache_tag": sys.implementation.cache_tag or "",
        "bits": "64" if sys.maxsize > 2**32 else "32",
        "system": here.sysname,
        "machine": here.machine,
        "release": here.release,
        "build": here.version,
        "prefix": sys.prefix,
        "exec_prefix": sys.exec_prefix,
        "stdlib": folder_of(site.__file__ or ""),
        "site": "\n".join(site.getsitepackages([sys.base_prefix, sys.base_exec_prefix])),
    }
    try:
        fields["libc"] = posix.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        fields["libc"] = ""
    return "\0".join(["envdoctor-target", *(f"{key}={value}" for key, value in fields.items())])


def folder_of(path: str) -> str:
    """The folder that holds the file `path`."""
    return path.rpartition("/")[0]


if __name__ == "__main__":
    sys.stdout.buffer.write(answer().encode("utf-8", "surrogateescape"))
