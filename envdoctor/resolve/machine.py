"""What this driver and these GPUs run: torch's CUDA build against the driver, its GPU code against the compute capability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from envdoctor.binaries.gpu import code_match, sm_number
from envdoctor.facts import Facts, value_of
from envdoctor.facts.extensions import CodeKind, GpuCode, GpuMatch
from envdoctor.resolve.abi import span
from envdoctor.resolve.builds import TorchBuilds
from envdoctor.resolve.predict import cuda_of
from envdoctor.resolve.problem import Limit
from envdoctor.resolve.request import Asked
from envdoctor.resolve.solution import Package, Solution
from envdoctor.resolve.vetoes import Veto, Way, way_is_open
from envdoctor.text import NOTHING, Text
from envdoctor.values import dataclass
from envdoctor.versions import Scheme, compare

DRIVER_ID = "EC-cuda-driver"
ARCH_ID = "EC-no-kernel-image"
#: the CUDA builds that torch was ever published in, newest first
_BUILDS = ("cu132", "cu130", "cu129", "cu128", "cu126", "cu124", "cu121", "cu118", "cu117")


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineLimits:
    """The machine as far as it is known, and the tables to hold builds against it. Unknown facts veto nothing."""

    driver: str | None
    floors: Mapping[str, str] = field(default_factory=dict)  #: CUDA major -> oldest driver
    capabilities: tuple[str, ...] = ()
    builds: TorchBuilds

    def vetoes(self, solution: Solution, asked: Sequence[Asked]) -> tuple[Veto, ...]:
        """At most one for the driver and one for the GPUs."""
        torch = solution.packages.get("torch")
        if torch is None:
            return ()
        cuda = value_of(cuda_of(solution, self.builds))
        found = []
        ways = tuple(way for way in (*self._other_builds(torch), *self._ways()) if way_is_open(way, asked))
        if cuda is not None and not self._driver_runs(cuda):
            major = cuda.partition(".")[0]
            floor = self.floors[major]
            found.append(
                Veto(
                    id=DRIVER_ID,
                    why=Text(
                        en=f"torch {torch.version} is built for CUDA {cuda}, which driver {self.driver} does not run",
                        zh=f"torch {torch.version} 按 CUDA {cuda} 构建，驱动 {self.driver} 不支持",
                    ),
                    packages=("torch", *_holders(solution)),
                    ways=ways,
                    firm=True,
                    authority=Text(
                        en=f"NVIDIA's table of minimum drivers: CUDA {major}.x needs {floor}",
                        zh=f"NVIDIA 最低驱动版本表：CUDA {major}.x 需要 {floor}",
                    ),
                    advice=self._or_older(
                        Text(en=f"upgrade the driver to {floor} or newer", zh=f"请把驱动升级到 {floor} 或更新版本")
                    ),
                )
            )
        row = self.builds.of(torch.version)
        archs = row.archs if row else ()
        unfit = [cc for cc in self.capabilities if archs and not reaches(archs, cc)]
        if unfit:
            found.append(
                Veto(
                    id=ARCH_ID,
                    why=Text(
                        en=f"torch {torch.version} has no code for compute capability {unfit[0]} (it has {' '.join(archs)})",
                        zh=f"torch {torch.version} 不含计算能力 {unfit[0]} 的代码（含 {' '.join(archs)}）",
                    ),
                    packages=("torch", *_holders(solution)),
                    ways=ways,
                    firm=True,
                    authority=row.source if row else NOTHING,
                    advice=self._or_older(
                        Text(
                            en="use a newer GPU, or another CUDA build of torch",
                            zh="请使用更新的显卡，或其他 CUDA 构建的 torch",
                        )
                    ),
                )
            )
        return tuple(found)

    def _driver_runs(self, cuda: str) -> bool:
        floor = self.floors.get(cuda.partition(".")[0])
        return self.driver is None or floor is None or (compare(Scheme.DRIVER, self.driver, floor) or 0) >= 0

    def _fitting(self) -> list[str]:
        return [
            row.version
            for row in self.builds.rows
            if (row.cuda is None or self._driver_runs(row.cuda))
            and all(not row.archs or reaches(row.archs, cc) for cc in self.capabilities)
        ]

    def _ways(self) -> list[Way]:
        text = span(self._fitting(), [row.version for row in self.builds.rows])
        why = Text(
            en="only these default builds of torch run on this driver and these GPUs",
            zh="只有这些默认构建的 torch 能在该驱动与显卡上运行",
        )
        return [(Limit(text=f"torch{text}", name="torch", source=DRIVER_ID, why=why),)] if text else []

    def _other_builds(self, torch: Package) -> list[Way]:
        """The same release built for an older CUDA, where the indexes have builds side by side (`+cu126`)."""
        if not torch.local.startswith("cu"):
            return []
        why = Text(en=f"this driver runs no {torch.local} build", zh=f"该驱动不支持 {torch.local} 构建")
        names = [b for b in _BUILDS if b != torch.local and self._driver_runs(f"{b[2:-1]}.{b[-1]}")]
        texts = [f"torch=={torch.public}+{name}" for name in names]
        return [(Limit(text=text, name="torch", source=DRIVER_ID, why=why),) for text in texts]

    def _or_older(self, advice: Text) -> Text:
        """The advice, and the torch that would do without it."""
        fitting = self._fitting()
        if not fitting:
            return advice
        older = fitting[-1]
        return Text(
            en=f"{advice}, or ask for torch {older} or older", zh=f"{advice.zh}，或改用 torch {older} 及更早版本"
        )


def _holders(solution: Solution) -> tuple[str, ...]:
    """Those who fix torch to one version: the real reason why no other build can be taken."""
    return tuple(n.dependent for n in solution.needs.get("torch", ()) if "==" in n.specifier or "+" in n.specifier)[:2]


def reaches(archs: Sequence[str], capability: str) -> bool:
    """Whether code for one of these targets ("8.0", PTX "9.0+PTX") runs on a GPU; what is not certain counts as yes."""
    sm = sm_number(capability)
    return any(code_match(_code(arch), sm, None) is not GpuMatch.NONE for arch in archs)


def _code(arch: str) -> GpuCode:
    text, _, ptx = arch.partition("+")
    number = text.rstrip("af")
    return GpuCode(kind=CodeKind.PTX if ptx else CodeKind.SASS, sm=sm_number(number), suffix=text[len(number) :])


def machine_limits(facts: Facts, builds: TorchBuilds) -> MachineLimits:
    """The limits of these facts. A driver without a GPU beside it counts where it was named for the lock."""
    platform = "windows" if value_of(facts.driver.platform) == "windows" else "linux"
    gpus = value_of(facts.gpus) or ()
    capabilities = tuple(dict.fromkeys(c for g in gpus if (c := value_of(g.compute_capability)) is not None))
    return MachineLimits(
        driver=value_of(facts.driver.version),
        floors=builds.drivers.get(platform, {}),
        capabilities=capabilities,
        builds=builds,
    )
