"""What a cleaning says about itself: `report.json` of the artifact CleaningReport."""

from __future__ import annotations

import collections
import dataclasses
import json
import pathlib

from schemas import tables
from schemas.errors import IntegrityError

FILE_NAME = "report.json"


@dataclasses.dataclass(frozen=True)
class Funnel:
    """What became of the records of one source and modality.

    Attributes:
        source: the source's name.
        modality: text, image or code.
        records_in: how many came.
        records_out: how many stayed.
        dropped: how many did not, by reason (`components.cleaning.faults.Reason`).
    """

    source: str
    modality: str
    records_in: int
    records_out: int
    dropped: dict[str, int]


@dataclasses.dataclass(frozen=True)
class CleaningReport:
    """The funnel of a cleaning; `records_in` is always `records_out` plus all that was dropped.

    Attributes:
        records_in: how many records came.
        records_out: how many stayed.
        dropped: how many did not, by reason.
        funnels: the same by source and modality, sorted.
        engine: what moved the records.
        seconds: how long it took.
    """

    records_in: int
    records_out: int
    dropped: dict[str, int]
    funnels: tuple[Funnel, ...]
    engine: str
    seconds: float

    def write(self, directory: pathlib.Path) -> None:
        """Writes `report.json`."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / FILE_NAME).write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, directory: pathlib.Path) -> CleaningReport:
        """The report in a directory."""
        values = json.loads((directory / FILE_NAME).read_text(encoding="utf-8"))
        funnels = tuple(Funnel(**funnel) for funnel in values.pop("funnels"))
        return cls(funnels=funnels, **values)


def count(
    source: pathlib.Path, survivors: pathlib.Path, rejected: pathlib.Path, *, engine: str, seconds: float
) -> CleaningReport:
    """Counts the tables of a cleaning against each other.

    Raises:
        IntegrityError: of some source and modality there came not as many records as stayed and were rejected.
    """
    came, stayed = _counts(source, []), _counts(survivors, [])
    dropped = _counts(rejected, ["reason"])
    funnels = []
    for key in sorted(came.keys() | stayed.keys() | {key[:2] for key in dropped}):
        reasons = {reason: number for (*other, reason), number in sorted(dropped.items()) if tuple(other) == key}
        if came[key] != stayed[key] + sum(reasons.values()):
            raise IntegrityError(
                f"{came[key]} records came, but {stayed[key]} stayed and {sum(reasons.values())} were rejected",
                where=f"Clean, {' '.join(key)} records",
                remedy="run Clean again; if this stays, it is a defect of its engine",
            )
        funnels.append(Funnel(key[0], key[1], came[key], stayed[key], reasons))
    totals: collections.Counter[str] = collections.Counter()
    for funnel in funnels:
        totals.update(funnel.dropped)
    return CleaningReport(
        records_in=sum(came.values()),
        records_out=sum(stayed.values()),
        dropped=dict(sorted(totals.items())),
        funnels=tuple(funnels),
        engine=engine,
        seconds=seconds,
    )


def _counts(directory: pathlib.Path, more: list[str]) -> collections.Counter[tuple[str, ...]]:
    names = ["source", "modality", *more]
    table = tables.columns(directory, names)
    return collections.Counter(zip(*(table[name].to_pylist() for name in names), strict=True))
