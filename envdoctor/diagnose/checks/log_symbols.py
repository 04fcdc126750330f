"""Undefined symbols and missing shared libraries, as a pasted error names them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from envdoctor.binaries.torch_abi import demangle, is_torch_symbol, meaning_of
from envdoctor.diagnose.checks.registry import CheckContext, Hit, check, log_reason
from envdoctor.diagnose.checks.traces import importer_of, likely_asker, wheel_name
from envdoctor.diagnose.signatures import SignatureHit
from envdoctor.facts.extensions import SymbolMeaning
from envdoctor.knowledge.owners import library_owner, owners_of_module, owners_of_path
from envdoctor.knowledge.symbols import symbol_origin
from envdoctor.knowledge.tables import family_torch, sgl_kernel_torch, sglang_needs, vllm_pin
from envdoctor.patterns import lazy
from envdoctor.text import Text
from envdoctor.values import dataclass

_FULL = 2  # dots of a whole torch version; `~=2.0` would admit every 2.x
_MEANING = {
    SymbolMeaning.TORCH_UP_TO_2_2: ("<2.3", Text(en="torch 2.2 or older", zh="torch 2.2 或更早版本")),
    SymbolMeaning.TORCH_2_3_TO_2_7: (">=2.3,<2.8", Text(en="torch 2.3 to 2.7", zh="torch 2.3 至 2.7")),
    SymbolMeaning.TORCH_FROM_2_8: (">=2.8", Text(en="torch 2.8 or newer", zh="torch 2.8 或更新版本")),
    SymbolMeaning.OLD_CXX_ABI: (
        "<2.7",
        Text(
            en="a torch with the old C++ string ABI (default wheels up to 2.6)",
            zh="使用旧版 C++ 字符串 ABI 的 torch（2.6 及以前的默认 wheel）",
        ),
    ),
    SymbolMeaning.NEW_CXX_ABI: (
        ">=2.7",
        Text(
            en="a torch with the new C++ string ABI (default wheels from 2.7)",
            zh="使用新版 C++ 字符串 ABI 的 torch（2.7 起的默认 wheel）",
        ),
    ),
}
#: NCCL looks for these and goes on with its own code where they are missing
_OPTIONAL_PLUGINS = ("libnccl-net", "libnccl-tuner", "libnccl-profiler", "libnccl-env")
#: symbols that are not torch's, by how they begin: cause class, guilty packages, what it means
_FOREIGN = (
    (
        lazy(r"cu(?:Green|Ctx|Device|Mem|Launch|Kernel|Library|Tensor|Graph|Stream|Get|Event|Func|Module|MultiCast)"),
        "driver-too-old",
        (),
        Text(
            en="a function of the CUDA driver that the installed driver does not have",
            zh="CUDA 驱动中的函数，已安装的驱动没有它",
        ),
    ),
    (
        lazy(r"_{0,2}nvJitLink"),
        "misconfiguration",
        ("nvidia-nvjitlink-cu12", "torch"),
        Text(
            en="an older libnvJitLink is found before the one of the wheel",
            zh="先找到了较旧的 libnvJitLink，而不是 wheel 自带的",
        ),
    ),
    (
        lazy(r"nccl"),
        "abi-mismatch",
        ("nvidia-nccl-cu12", "torch"),
        Text(en="not the NCCL that torch was built with", zh="不是 torch 构建时所用的 NCCL"),
    ),
    (
        lazy(r"cublas"),
        "misconfiguration",
        ("nvidia-cublas-cu12", "torch"),
        Text(en="not the cuBLAS that torch was built with", zh="不是 torch 构建时所用的 cuBLAS"),
    ),
    (
        lazy(r"cudnn"),
        "abi-mismatch",
        ("nvidia-cudnn-cu12", "torch"),
        Text(en="not the cuDNN that torch was built with", zh="不是 torch 构建时所用的 cuDNN"),
    ),
    (
        lazy(r"cusparse"),
        "misconfiguration",
        ("nvidia-cusparse-cu12", "torch"),
        Text(en="not the cuSPARSE of the wheel", zh="不是 wheel 自带的 cuSPARSE"),
    ),
    (
        lazy(r"iJIT_"),
        "version-conflict",
        ("mkl", "torch"),
        Text(en="an MKL without the ITT functions that torch was linked to", zh="MKL 缺少 torch 链接的 ITT 函数"),
    ),
    (
        lazy(r"_?Py[A-Z]"),
        "abi-mismatch",
        (),
        Text(en="a function of another Python than the one that runs", zh="属于另一个 Python 版本的函数"),
    ),
)


#: a plain function of the extension itself: torch's lie in namespaces or begin with THP
_OWN = lazy(r"_Z\d+(?!torch|aten)[a-z]\w*_\w*")
_LEFT_OUT = Text(
    en="a function of the extension itself, which its build left out: a source build for other GPUs or with another "
    "toolkit, or object files of two states of the source",
    zh="扩展自身的函数，构建时没有编译进来：源码构建面向其他 GPU 或使用了别的 toolkit，或混入了不同源码状态的目标文件",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Undefined:
    symbol: str
    owners: tuple[str, ...]


def _undefined(context: CheckContext, hit: SignatureHit) -> _Undefined:
    line = hit.line.text
    owners = owners_of_path(context.tables, line.split("undefined symbol")[0])
    if not owners and hit.groups.get("module"):
        owners = owners_of_module(context.tables, hit.groups["module"])
    return _Undefined(symbol=hit.groups["symbol"].rstrip(",.;:'\")"), owners=owners)


@check("EC-undefined-symbol")
def undefined_symbol(context: CheckContext) -> Iterable[Hit]:
    """A compiled extension asks for a symbol that nobody exports: whose, built for what, and what fits."""
    for hit in context.hits:
        found = _undefined(context, hit)
        foreign = next((row for row in _FOREIGN if row[0].match(found.symbol)), None)
        if foreign is not None:
            yield _foreign(context, hit, found, foreign)
        elif found.owners and _OWN.match(found.symbol):
            yield _foreign(context, hit, found, ("", "wrong-build", (), _LEFT_OUT))
        elif is_torch_symbol(found.symbol) or (found.owners and found.owners[0] != "bitsandbytes"):
            yield _of_torch(context, hit, found)


def _foreign(context: CheckContext, hit: SignatureHit, found: _Undefined, row: tuple[Any, ...]) -> Hit:
    _, cause, packages, meaning = row
    owners = found.owners[:1]
    return Hit(
        because=(log_reason(hit),),
        values={
            "symbol": found.symbol,
            "demangled": found.symbol,
            "extension": owners[0] if owners else Text(en="the extension", zh="该扩展"),
            "meaning": meaning,
            "class": cause,
        },
        packages=tuple(wheel_name(context, name) for name in packages) or owners,
        cause=cause,
        explains=2,
        weight=4,
    )


def _of_torch(context: CheckContext, hit: SignatureHit, found: _Undefined) -> Hit:
    pin, meaning = _MEANING.get(
        meaning_of(found.symbol), ("", Text(en="another version of torch", zh="另一个 torch 版本"))
    )
    origin = symbol_origin(context.tables, found.symbol)
    if origin is not None and len(origin.torch) == 1:
        only = origin.torch[0]
        pin = ",".join([f">={only.introduced}"] * bool(only.introduced) + [f"<{only.fixed}"] * bool(only.fixed))
        meaning = Text(en=f"torch {pin}", zh=f"torch {pin}")
    owner = next(
        (name for name in found.owners if name in context.view.packages), found.owners[0] if found.owners else ""
    )
    values = {
        "symbol": found.symbol,
        "demangled": demangle(found.symbol),
        "extension": owner or Text(en="a compiled extension", zh="某个编译扩展"),
        "meaning": Text(en=f"it was built for {meaning}", zh=f"它是为 {meaning.zh} 编译的"),
    }
    torch, version = context.view.version("torch"), context.view.version(owner)
    exact = pinned_torch(context, owner, version)
    if exact:
        values["torch_pin"] = exact
    elif pin:
        values["torch_pin"] = pin
    if torch:
        values["torch"] = torch
    if owner and owner != "torch":
        values["package"] = owner
        fitting = fitting_version(context, owner, torch)
        if fitting and fitting != version:
            values["package_pin"] = f"=={fitting}"
    others = tuple(name for name in found.owners if name != owner)
    return Hit(
        because=(log_reason(hit), *((context.because("package.torch", torch),) if torch else ())),
        values=values,
        packages=(*((owner,) if owner else ()), "torch", *others),
        explains=2,
        weight=3,
    )


def pinned_torch(context: CheckContext, owner: str, version: str | None) -> str:
    """The torch that this very version of the extension loads on: as the derived tables measured it, else as it requires."""
    if owner in ("sgl-kernel", "sglang-kernel"):
        return _torch_of_sgl_kernel(context, version)
    if not version:
        return ""
    found = context.derived_of(owner).loads_on(owner, version)
    return f"=={found[-1]}" if found else _required_torch(context, owner, version.partition("+")[0])


def _required_torch(context: CheckContext, owner: str, version: str) -> str:
    """The torch of the metadata. A mere floor of vLLM's is what it was compiled with: the ABI holds for that minor release."""
    if owner in ("xformers", "torchvision", "torchaudio"):
        return family_torch(context.tables, owner, version) or ""
    if owner != "vllm":
        return ""
    pin = vllm_pin(context.tables, version)
    wanted = pin.torch if pin and pin.torch else ""
    return wanted.replace(">=", "~=") if wanted.startswith(">=") and wanted.count(".") == _FULL else wanted


def _torch_of_sgl_kernel(context: CheckContext, version: str | None) -> str:
    """Its metadata names no torch; the SGLang releases that pin it do, and so does the installed SGLang."""
    found = sgl_kernel_torch(context.tables, version) if version else None
    engine = context.view.version("sglang")
    return found or (sglang_needs(context.tables, engine).get("torch", "") if engine else "")


def fitting_version(context: CheckContext, owner: str, torch: str | None) -> str:
    """The newest version of the extension that loads on the installed torch, where the derived tables know one."""
    if not torch:
        return ""
    public = torch.partition("+")[0]
    tables = context.derived_of(owner)
    fitting = [row.version for row in tables.rows(owner) if public in (tables.loads_on(owner, row.version) or ())]
    return fitting[-1] if fitting else ""


@check("EC-missing-library")
def missing_library(context: CheckContext) -> Iterable[Hit]:
    """`libX.so.N: cannot open shared object file`: who brings that library, and why it is not there."""
    for hit in context.hits:
        library = hit.groups["library"]
        if library.startswith(_OPTIONAL_PLUGINS):
            continue
        owner = library_owner(context.tables, library)
        importers = owners_of_path(context.tables, hit.line.text.replace(library, ""))
        importer = next((name for name in importers if name in context.view.packages), "")
        importer = importer or importer_of(context, hit.line)
        if library.startswith(("libcuda.so", "libnvidia-ml.so")):
            yield _driver_library(context, hit, library)
        elif owner is not None:
            yield _wheel_library(context, hit, library, owner, importer)
        else:
            packages = (importer,) if importer else importers[:1]
            yield Hit(
                because=(log_reason(hit),),
                values={
                    "library": library,
                    "brings": Text(en="a system package", zh="系统软件包"),
                    "why": Text(en="it is not installed", zh="未安装"),
                },
                packages=packages,
                explains=2,
                weight=2,
            )


def _driver_library(context: CheckContext, hit: SignatureHit, library: str) -> Hit:
    wsl = context.view.value("host.wsl2") is True
    container = context.view.value("host.container") not in (None, "none")
    cause = "wsl2-limitation" if wsl else ("container-runtime" if container else "missing-shared-library")
    why = (
        Text(
            en="under WSL2 it lies in /usr/lib/wsl/lib, which is not on the loader's path",
            zh="WSL2 下它位于 /usr/lib/wsl/lib，而该目录不在动态链接器的搜索路径中",
        )
        if wsl
        else (
            Text(en="the container was started without the GPU", zh="启动容器时未挂载 GPU")
            if container
            else Text(en="no NVIDIA driver is visible here", zh="这里看不到 NVIDIA 驱动")
        )
    )
    return Hit(
        because=(log_reason(hit),),
        values={"library": library, "brings": Text(en="the NVIDIA driver", zh="NVIDIA 驱动"), "why": why},
        packages=(),
        cause=cause,
        explains=2,
        weight=3,
    )


def _wheel_library(
    context: CheckContext, hit: SignatureHit, library: str, owner: tuple[str, int | None], importer: str
) -> Hit:
    name, number = owner
    cuda = context.view.value("torch.cuda")
    major = cuda.split(".")[0] if isinstance(cuda, str) and cuda[:1].isdigit() else None
    wanted = str(number) if number in (11, 12, 13) else None
    brings = f"{name}-cu{wanted}" if wanted and name.startswith("nvidia-") else wheel_name(context, name)
    values = {"library": library, "brings": brings}
    because = [log_reason(hit)]
    cause = None
    if wanted and major and wanted != major:
        values["why"] = Text(
            en=f"it was built for CUDA {wanted}, torch here is a CUDA {cuda} build",
            zh=f"它为 CUDA {wanted} 编译，而这里的 torch 是 CUDA {cuda} 构建",
        )
        because.append(context.because("torch.cuda"))
        cause = "wrong-build"
    elif wanted:
        values["why"] = Text(
            en=f"it was built for CUDA {wanted}, and no CUDA {wanted} runtime is installed",
            zh=f"它为 CUDA {wanted} 编译，而未安装 CUDA {wanted} 运行时",
        )
    else:
        values["why"] = Text(en="it is not where the loader looks", zh="不在动态链接器的搜索路径中")
    beside = ("torch",) if name.startswith("nvidia-") else ()  # torch pins those; others have nothing to do with it
    packages: tuple[str, ...] = (importer or values["brings"], *beside)
    if importer == "torch":
        packages = ("torch", values["brings"])
    if importer and importer != "torch" and not cause:
        packages = (importer, *beside, values["brings"])
    if not importer and (asker := likely_asker(context, hit.line)):
        packages = (values["brings"], asker, *beside)
    return Hit(because=tuple(because), values=values, packages=packages, cause=cause, explains=2, weight=3)
