"""Why each pin is there, and what the lock was made for: the words of a lock."""

from __future__ import annotations

import re
from collections import Counter

from envdoctor.facts import Facts, Gpu, Known, value_of
from envdoctor.knowledge import Matrix
from envdoctor.resolve.builds import TorchBuilds
from envdoctor.resolve.era import Era
from envdoctor.resolve.made import Header, Lock, Pin
from envdoctor.resolve.mend import left_out
from envdoctor.resolve.names import Decisions
from envdoctor.resolve.predict import cuda_of
from envdoctor.resolve.problem import Limit, Problem
from envdoctor.resolve.request import LockRequest
from envdoctor.resolve.search import Found
from envdoctor.resolve.solution import Package, Solution
from envdoctor.text import NOTHING, Text, in_zh

_SHOWN = 4  # dependents named by a reason


def describe(
    *,
    request: LockRequest,
    found: Found,
    era: Era | None,
    knowledge: tuple[Matrix, Decisions, TorchBuilds],
    index: Text,
    solves: int,
) -> Lock:
    """The solution as a lock: additions that nobody turned out to need are taken out again."""
    matrix, decisions, builds = knowledge
    problem = found.problem
    kept = _without_idle(found.solution, problem, decisions)
    hidden = decisions.wanted(kept, problem.place.python)
    pins = []
    for name, package in sorted(kept.packages.items()):
        built = not package.has_wheel or name in problem.sources
        reasons = [*_asked(name, request), *_needed(name, kept)]
        reasons += [
            Text(
                en=f"needed by {n.package}, which does not say so: {n.why}",
                zh=f"{n.package} 需要它但没有声明：{n.why.zh}",
            )
            for n in hidden.get(name, ())
        ]
        reasons += _limits(name, problem.limits)
        if era is not None:
            reasons.append(_era_reason(package, problem, era))
        if built:
            reasons.append(Text(en="built from its source: there is no wheel", zh="从源码构建：没有 wheel"))
        pins.append(Pin(package=package, reasons=tuple(r for r in reasons if r), built=built))
    header = Header(
        request=tuple(a.text for a in request.asked),
        python=problem.place.python,
        platform=problem.place.platform,
        machine=_machine(request.facts),
        needs=_requirements_of_build(kept, builds),
        era=_era(era, request),
        matrix=Text(
            en=f"{matrix.date or 'undated'}, {matrix.count} entries, sha256 {matrix.digest[:16]}",
            zh=f"{matrix.date or '日期未知'}，共 {matrix.count} 条，sha256 {matrix.digest[:16]}",
        ),
        tool=Text(
            en=f"envdoctor lock, solved by {found.solution.uv}", zh=f"envdoctor lock，由 {found.solution.uv} 求解"
        ),
        index=index,
        notes=tuple(left_out(limit) for limit in problem.left_out),
    )
    left = tuple(li.name for li in problem.left_out)
    return Lock(pins=tuple(pins), header=header, solution=kept, solves=solves, left_out=left)


def _without_idle(solution: Solution, problem: Problem, decisions: Decisions) -> Solution:
    wanted = decisions.wanted(solution, problem.place.python)
    idle = {
        limit.name
        for limit in problem.additions
        if limit.name not in wanted and not solution.needs.get(limit.name) and limit.name in solution.packages
    }
    return Solution(
        packages={n: p for n, p in solution.packages.items() if n not in idle},
        needs={n: of for n, of in solution.needs.items() if n not in idle},
        uv=solution.uv,
    )


def _era(era: Era | None, request: LockRequest) -> Text:
    if era is not None:
        return era.says
    if request.era.mode == "off":
        return Text(en="off", zh="未启用")
    return Text(en="none (nothing that was asked for dates it)", zh="无（需求中没有可据以推定时间的版本）")


def _asked(name: str, request: LockRequest) -> list[Text]:
    en = f" (stack {request.stack})" if request.stack else ""
    zh = f"（技术栈 {request.stack}）" if request.stack else ""
    return [Text(en=f"asked for: {a.text}{en}", zh=f"用户需求：{a.text}{zh}") for a in request.asked if a.name == name]


def _needed(name: str, solution: Solution) -> list[Text]:
    needs = solution.needs.get(name, ())
    if not needs:
        return []
    shown = [f"{n.dependent} ({n.specifier})" if n.specifier else n.dependent for n in needs[:_SHOWN]]
    rest = len(needs) - _SHOWN
    more = Text(en=f" and {rest} more", zh=f" 等 {len(needs)} 个包") if rest > 0 else NOTHING
    names = ", ".join(tidy(s) for s in shown)
    return [Text(en=f"needed by {names}{more}", zh=f"依赖它的包：{names}{more.zh}")]


def tidy(text: str) -> str:
    """uv writes `==2.4.0` as `>=2.4.0, <2.4.0+`, and `!=4.0` as `<4.0 | >=4.0+`."""
    return re.sub(r"<([^\s,)]+) \| >=\1\+", r"!=\1", re.sub(r">=(\S+), <\1\+", r"==\1", text))


def _limits(name: str, limits: tuple[Limit, ...]) -> list[Text]:
    return [
        Text(
            en=f"{limit.source}: {limit.text} ({limit.why})",
            zh=f"{in_zh(limit.source)}：{limit.text}（{limit.why.zh}）",
        )
        for limit in limits
        if limit.name == name
    ]


def _era_reason(package: Package, problem: Problem, era: Era) -> Text:
    if package.uploaded is None:
        return Text(
            en="the index does not say when it was uploaded: not bound by the era",
            zh="索引未给出上传时间，不受时间截点约束",
        )
    day = f"{package.uploaded:%Y-%m-%d}"
    if package.name in problem.later and package.uploaded > era.end:
        return Text(en=f"uploaded {day}, let in after the era", zh=f"上传于 {day}，晚于时间截点，特许放行")
    return Text(en=f"uploaded {day}", zh=f"上传于 {day}")


def _machine(facts: Facts) -> tuple[Text, ...]:
    """The machine facts that the lock rests on. No names, no addresses, no paths."""
    architecture, glibc = value_of(facts.host.architecture), value_of(facts.host.glibc)
    driver, gpus = value_of(facts.driver.version), value_of(facts.gpus) or ()
    rows = [
        Text(
            en=f"{architecture or 'x86_64'}, glibc {glibc or 'unknown (2.28 assumed)'}",
            zh=f"{architecture or 'x86_64'}，glibc {glibc or '未知（按 2.28 处理）'}",
        )
    ]
    if driver:
        rows.append(Text(en=f"NVIDIA driver {driver}", zh=f"NVIDIA 驱动 {driver}"))
    for gpu, count in Counter(_gpu(gpu) for gpu in gpus).items():
        rows.append(Text(en=f"{count} x {gpu}", zh=f"{count} x {gpu.zh}") if count > 1 else gpu)
    if not gpus:
        seen = Text(en="none was named", zh="未指明")
        if isinstance(facts.gpus, Known):
            seen = Text(en="there is none", zh="没有")
        rows.append(
            Text(
                en=f"GPU: {seen}; the lock is for the default CUDA build",
                zh=f"显卡：{seen.zh}；按 torch 默认的 CUDA 构建锁定",
            )
        )
    return tuple(rows)


def _gpu(gpu: Gpu) -> Text:
    name, capability = value_of(gpu.name), value_of(gpu.compute_capability)
    return Text(
        en=f"{name or 'GPU'} (compute capability {capability or 'unknown'})",
        zh=f"{name or 'GPU'}（计算能力 {capability or '未知'}）",
    )


def _requirements_of_build(solution: Solution, builds: TorchBuilds) -> tuple[Text, ...]:
    """What driver and compute capability the chosen torch build asks for, as far as it was measured."""
    torch = solution.packages.get("torch")
    cuda = value_of(cuda_of(solution, builds))
    if torch is None or cuda is None:
        return ()
    if cuda == "none":
        return (
            Text(
                en=f"torch {torch.version} is a CPU build: it uses no GPU",
                zh=f"torch {torch.version} 是 CPU 构建，不使用显卡",
            ),
        )
    en, zh = f"torch {torch.version} is built for CUDA {cuda}", f"torch {torch.version} 按 CUDA {cuda} 构建"
    floor = builds.drivers.get("linux", {}).get(cuda.partition(".")[0])
    if floor:
        en, zh = f"{en}: NVIDIA driver {floor} or newer", f"{zh}：需要 NVIDIA 驱动 {floor} 或更新版本"
    row = builds.of(torch.version)
    if row and row.archs:
        archs = " ".join(row.archs)
        en, zh = f"{en}; code for compute capability {archs}", f"{zh}；含计算能力 {archs} 的代码"
    return (Text(en=en, zh=zh),)
