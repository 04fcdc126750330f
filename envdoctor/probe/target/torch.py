"""torch as its files say: `torch/version.py` and the symbols of `libc10.so`. Nothing is imported or run."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envdoctor.facts import Fact, Torch, Witness, known, unknown
from envdoctor.patterns import lazy
from envdoctor.probe.ports import View, text_of
from envdoctor.probe.target.distributions import Installed
from envdoctor.probe.target.search_path import Place
from envdoctor.text import Text

_ASSIGNMENT = lazy(
    r"""^(?P<name>__version__|cuda|hip)\s*(?::[^=\n]*)?=\s*(?:(?P<quote>['"])(?P<value>[^'"\n]{0,80})(?P=quote)|(?P<none>None))""",
    re.MULTILINE,
)
#: c10::detail::torchCheckFail(const char*, const char*, unsigned, const std::string&) in the old and the new C++ ABI:
#: every extension that checks anything calls it (c10/util/Exception.h)
_OLD_ABI = "_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"
_NEW_ABI = "_ZN3c106detail14torchCheckFailEPKcS2_jRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
_ABSENT = Text(en="torch is not installed in the target", zh="目标环境未安装 torch")


def torch(view: View, places: Iterable[Place], found: Iterable[Installed]) -> Torch:
    """The torch that an import would find: the first on the search path."""
    metadata = next((item.distribution for item in found if item.distribution.name == "torch"), None)
    folder = next((f"{place.folder}/torch" for place in places if "torch" in place.names), None)
    text = text_of(view, f"{folder}/version.py", 1 << 16) if folder else None
    if folder is None or text is None:
        if metadata is None:
            reason = unknown(_ABSENT)
            return Torch(version=reason, cuda=reason, hip=reason, cxx11_abi=reason, archs=reason)
        why = unknown(
            Text(
                en=f"torch {metadata.version} is listed as installed, but its folder has no version.py",
                zh=f"torch {metadata.version} 显示已安装，但其目录中没有 version.py",
            )
        )
        return Torch(version=known(metadata.version, metadata.source), cuda=why, hip=why, cxx11_abi=why, archs=why)
    source = f"{folder}/version.py"
    values = {
        match["name"]: match["value"] if match["none"] is None else "none" for match in _ASSIGNMENT.finditer(text)
    }
    version = values.get("__version__")
    also: tuple[Witness, ...] = ()
    if metadata is not None and version is not None and metadata.version.partition("+")[0] != version.partition("+")[0]:
        also = (Witness(value=metadata.version, source=metadata.source),)
    silent = unknown(Text(en=f"{source} does not state it", zh=f"{source} 未给出"))
    return Torch(
        version=known(version, source, also) if version else silent,
        cuda=known(values["cuda"], source) if "cuda" in values else silent,
        hip=known(values["hip"], source) if "hip" in values else silent,
        cxx11_abi=_abi(view, folder),
        archs=unknown(
            Text(
                en="not read yet: the architectures stand in the GPU code of torch's libraries",
                zh="尚未读取：架构信息在 torch 库的 GPU 代码中",
            )
        ),
    )


def _abi(view: View, folder: str) -> Fact[bool]:
    from envdoctor.binaries.elf import ElfFile
    from envdoctor.binaries.reading import UnreadableBinaryError, reason_of

    path = f"{folder}/lib/libc10.so"
    try:
        with view.open(path) as stream, ElfFile(stream) as library:
            symbols = library.exports((_OLD_ABI, _NEW_ABI))
    except (OSError, UnreadableBinaryError) as error:
        return unknown(
            Text(en=f"{path} cannot be read: {reason_of(error)}", zh=f"{path} 无法读取：{reason_of(error).zh}")
        )
    if len(symbols) != 1:
        return unknown(
            Text(
                en=f"{path} exports neither or both of the two symbols that tell the C++ ABI",
                zh=f"{path} 中用于判断 C++ ABI 的两个符号都没有或都有",
            )
        )
    return known(_NEW_ABI in symbols, Text(en=f"symbols of {path}", zh=f"{path} 的符号表"))
