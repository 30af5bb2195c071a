"""`headrace ...`: verbs, options, exit codes. Nothing heavy is imported until a verb needs it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

import click

from schemas.errors import ExitCode, HeadraceError
from schemas.home import ENVIRONMENT_VARIABLE, Home

if TYPE_CHECKING:
    from pipeline.config import Config

_CONFIG = "headrace.yaml"
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


def main() -> NoReturn:
    """The entry point of the `headrace` command."""
    try:
        code = headrace(standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader (`| head`) has gone; Python would complain about it at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.DONE)
    except HeadraceError as error:
        click.echo(f"headrace: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(code or ExitCode.DONE)


@click.group(context_settings=_CONTEXT)
@click.version_option(package_name="headrace", prog_name="headrace")
@click.option(
    "--home", type=click.Path(file_okay=False), help="Where state lives. [default: $HEADRACE_HOME or .headrace]"
)
def headrace(home: str | None) -> None:
    """From raw text, images and code to a released model, every decision a record."""
    if home:
        os.environ[ENVIRONMENT_VARIABLE] = home
    # Child processes work elsewhere, so what they inherit is absolute.
    os.environ[ENVIRONMENT_VARIABLE] = str(Home.current().root)
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever ~/.keras says


def _config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--config", "path", default=_CONFIG, show_default=True, help="The configuration.")(function)


def _json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")(function)


def _overrides(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("overrides", nargs=-1, metavar="[SECTION.KEY=VALUE]...")(function)


def _load(path: str, overrides: tuple[str, ...] = ()) -> Config:
    from pipeline import config

    return config.load(path, overrides)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, default=str))


def _print_lines(rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False, default=str))


@headrace.command()
@_overrides
@_config_option
@_json_option
@click.option("--from", "from_node", metavar="NODE", help="Run NODE and what follows, on earlier outputs.")
@click.option("--only", "only_node", metavar="NODE", help="Run NODE alone, on earlier outputs.")
def run(path: str, overrides: tuple[str, ...], as_json: bool, from_node: str | None, only_node: str | None) -> int:
    """Run the pipeline; what is unchanged since the last run is not done again."""
    if from_node and only_node:
        raise click.UsageError("--from and --only exclude each other")
    options = {"--config": None if path == _CONFIG else path, "--from": from_node, "--only": only_node}
    words = [word for option, value in options.items() if value for word in (option, value)]
    return _run(path, overrides, from_node, only_node, as_json, argv=("run", *overrides, *words))


def _run(
    path: str,
    overrides: tuple[str, ...],
    from_node: str | None,
    only_node: str | None,
    as_json: bool,
    *,
    argv: tuple[str, ...],
    resumes: str | None = None,
) -> int:
    config = _load(path, overrides)
    from pipeline import running, runs
    from pipeline.console import Console

    # Standard output is kept clean for JSON.
    console = Console(os.fdopen(os.dup(2), "w")) if as_json else Console()
    command = runs.Command(argv=argv, overrides=overrides, resumes=resumes)
    ended = running.run(config, command, from_node=from_node, only_node=only_node, console=console)
    if as_json:
        _print_json(ended.facts)
    return ended.exit_code


@headrace.command()
@_overrides
@_config_option
@_json_option
@click.option("--workers", type=click.IntRange(1, 64), help="In so many processes of this machine.")
def train(path: str, overrides: tuple[str, ...], as_json: bool, workers: int | None) -> int:
    """Train alone, on what the last run transformed: `run --only Train`."""
    if workers is not None:
        overrides = (*overrides, "training.strategy=multi_worker", f"training.workers={workers}")
    words = () if path == _CONFIG else ("--config", path)
    return _run(path, overrides, None, "Train", as_json, argv=("run", *overrides, "--only", "Train", *words))


@headrace.command()
@_json_option
def resume(as_json: bool) -> int:
    """Go on where the last run stopped, with its command."""
    from pipeline import runs

    last = runs.last_run(Home.current())
    if last is None:
        raise HeadraceError("nothing has run here yet", where=str(Home.current().root), remedy="headrace run")
    if last.status is runs.Status.DONE:
        click.echo(f"run {last.run_id} is done; there is nothing to go on with", err=True)
        return ExitCode.DONE
    argv = last.command.argv
    click.echo(f"going on with run {last.run_id}: {last.command}", err=True)
    asked = run.make_context("run", list(argv[1:])).params | {"as_json": as_json}
    return _run(**asked, argv=argv, resumes=last.run_id)


@headrace.command()
@_json_option
def status(as_json: bool) -> None:
    """What runs, what ran, what was interrupted."""
    import dataclasses

    from pipeline import status as home_status

    told = home_status.status(Home.current())
    if as_json:
        _print_json(dataclasses.asdict(told))
    else:
        click.echo(home_status.render(told), nl=False)


@headrace.command()
@click.option("--dry-run", is_flag=True, help="Say what would be removed.")
@click.option("--cache", is_flag=True, help="Downloads and ingested sources too; they are fetched and read again.")
@click.option("--all", "everything", is_flag=True, help="The whole home, released models too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json_option
def clean(dry_run: bool, cache: bool, everything: bool, yes: bool, as_json: bool) -> None:
    """Remove what no later run can use."""
    from pipeline import removal

    home = Home.current()
    plan = removal.plan(home, cache=cache, everything=everything)
    if everything and not dry_run and not yes:
        click.confirm(f"Remove {home.root} with all runs and released models?", abort=True)
    if not dry_run:
        removal.remove(home, plan)
    if as_json:
        _print_json({"removed": not dry_run, "bytes": plan.bytes, "paths": plan.paths})
        return
    for path in plan.paths:
        click.echo(path)
    click.echo(f"{'would remove' if dry_run else 'removed'} {len(plan.paths)} items, {plan.bytes / 1e6:,.1f} MB")


@headrace.command()
@click.argument("directory", type=click.Path(file_okay=False))
def init(directory: str) -> None:
    """Lay out a project of your own in DIRECTORY, outside the clone."""
    import pathlib

    from pipeline import project

    for path in project.create(pathlib.Path(directory)):
        click.echo(f"wrote {path}")
    click.echo(f"put your files into {directory}/data, then:\n  cd {shlex.quote(directory)}\n  headrace run")


@headrace.group()
def config() -> None:
    """See, check and migrate the configuration."""


@config.command("show")
@_overrides
@_config_option
@_json_option
def config_show(path: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print every key with its value."""
    from pipeline import config
    from schemas.config import to_plain

    loaded = config.load(path, overrides)
    if as_json:
        _print_json(to_plain(loaded))
    else:
        click.echo(config.dump(loaded), nl=False)


@config.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of headrace.yaml, for editors."""
    from pipeline import config

    _print_json(config.json_schema())


@config.command("check")
@_overrides
@_config_option
def config_check(path: str, overrides: tuple[str, ...]) -> None:
    """Say whether a configuration is right, and if not, all that is wrong."""
    from components.cleaning import own_rules

    for rule in _load(path, overrides).cleaning.rules:
        own_rules.load(rule)
    click.echo(f"{path}: right")


@config.command("migrate")
@_config_option
def config_migrate(path: str) -> None:
    """Bring an older headrace.yaml up to date; the old one stays beside it as .bak."""
    import pathlib

    from pipeline import config

    text = config.migrate(path)
    if text is None:
        click.echo(f"{path}: up to date (version {config.VERSION})")
        return
    old = pathlib.Path(path)
    backup = old.with_name(old.name + ".bak")
    backup.write_bytes(old.read_bytes())
    aside = old.with_name(old.name + ".tmp")
    aside.write_text(text, encoding="utf-8")
    aside.replace(old)
    click.echo(f"{path}: migrated to version {config.VERSION}; the old one is {backup}")


@headrace.group()
def data() -> None:
    """Fetch, look at and describe the data."""


@data.command("fetch")
@_overrides
@_config_option
@_json_option
def data_fetch(path: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Fetch the packages that the configuration's sources need."""
    from components.ingestion import sources

    paths = [str(path) for path in sources.fetch(_load(path, overrides).ingestion, Home.current())]
    _print_json(paths) if as_json else click.echo("\n".join(paths))


@data.command("sample")
@click.argument("sample_id", required=False)
@click.option("--count", default=5, show_default=True, type=click.IntRange(min=1), help="How many.")
def data_sample(sample_id: str | None, count: int) -> None:
    """Print aligned samples of the last run, one JSON object a line; with its id (or how that begins) one of them, the records
    that it was joined from, and why."""
    from pipeline import data

    if sample_id is None:
        _print_lines(data.sample(Home.current(), count))
    else:
        _print_json(data.one_sample(Home.current(), sample_id))


@data.command("suspects")
@click.option("--split", default="train", show_default=True, type=click.Choice(["train", "eval", "test"]))
@click.option(
    "--count", default=500, show_default=True, type=click.IntRange(min=2), help="How many samples to look at."
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Which others they are tried with."
)
def data_suspects(split: str, count: int, seed: int) -> None:
    """Print pairs that may not belong together, one JSON object a line: the last trained model predicts their text and code
    no better with their own image (or their code with their own text) than with another's."""
    from pipeline import data

    _print_lines(data.suspects(Home.current(), split, count, seed))


@data.command("rejected")
@click.option("--reason", help="Only what was dropped for this reason, with the beginning of each content.")
def data_rejected(reason: str | None) -> None:
    """Print what the last run dropped and why, one JSON object a line."""
    from pipeline import data

    _print_lines(data.rejected(Home.current(), reason))


@data.command("schema")
@click.option("--output", type=click.Path(dir_okay=False), help="Write it to this file instead of printing it.")
def data_schema(output: str | None) -> None:
    """Draft a schema from the last run's statistics, to look through and curate."""
    import pathlib

    from pipeline import data

    text = data.draft_schema(Home.current())
    if output:
        pathlib.Path(output).write_text(text, encoding="utf-8")
        click.echo(f"wrote {output}; look through it, then set validation.schema_file")
    else:
        click.echo(text, nl=False)


@headrace.group()
def lineage() -> None:
    """Ask the metadata store where things came from."""


@lineage.command("show")
@click.argument("model", default="latest")
@_json_option
def lineage_show(model: str, as_json: bool) -> None:
    """Print what a pushed MODEL was made from: `latest`, `live`, a version, NAME/VERSION, a path or an artifact's id."""
    from lineage import graph, rendering, store

    connected = store.connect(Home.current())
    ancestry = graph.ancestry(connected, graph.find_model(connected, model))
    if as_json:
        _print_json(rendering.plain(ancestry))
    else:
        click.echo(rendering.tree(ancestry), nl=False)


@lineage.command("why")
@click.argument("model", default="latest")
@_json_option
def lineage_why(model: str, as_json: bool) -> None:
    """Print why a MODEL may be released or may not: a version, `live`, or the id of a model that was never released."""
    from lineage import graph, store, why

    connected = store.connect(Home.current())
    found = why.explain(connected, graph.find_model(connected, model))
    if as_json:
        _print_json(why.plain(found))
    else:
        click.echo(why.text(found), nl=False)
