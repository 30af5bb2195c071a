"""`headrace ...`: verbs, options, exit codes. Nothing heavy is imported until a verb needs it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import click

from schemas.errors import ExitCode, HeadraceError
from schemas.home import ENVIRONMENT_VARIABLE, Home

if TYPE_CHECKING:
    from pipeline.config import Config

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


def _config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--config", "path", default="headrace.yaml", show_default=True, help="The configuration.")(
        function
    )


def _json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")(function)


def _overrides(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("overrides", nargs=-1, metavar="[SECTION.KEY=VALUE]...")(function)


def _load(path: str, overrides: tuple[str, ...] = ()) -> Config:
    from pipeline import config

    return config.load(path, overrides)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, default=str))


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
    config = _load(path, overrides)
    from pipeline import local

    return local.run_command(config, from_node=from_node, only_node=only_node, as_json=as_json)


@headrace.command()
@_json_option
def resume(as_json: bool) -> int:
    """Go on where the last run stopped, with its command."""
    raise NotImplementedError


@headrace.command()
@_json_option
def status(as_json: bool) -> None:
    """What runs, what ran, what was interrupted."""
    raise NotImplementedError


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
    _load(path, overrides)
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
