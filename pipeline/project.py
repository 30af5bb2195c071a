"""`headrace init DIR`: a project of one's own outside the clone."""

from __future__ import annotations

import json
import pathlib

from pipeline import config
from schemas.errors import ConfigError, StorageError
from schemas.home import Home
from serving import keys

_CONFIG = """\
# yaml-language-server: $schema=headrace.schema.json
# `headrace config show` prints every key with its value; `headrace config check` says what is wrong.
version: 1
name: {name}

ingestion:
  sources:
    {name}:
      kind: directory        # or jsonl, parquet; or the built-in openmoji, emoji_datasource, python
      path: data
      license: null          # recorded with every record

# A small data set wants a short run; take these out as it grows.
training:
  steps: 200
evaluation:
  min_examples: 5
release:
  model_name: {name}
"""

_README = """\
# {name}

Put your files into `data/`, then `headrace config check` and `headrace run`.

Files that share a path without the extension make one sample:

    data/soup.txt   its text
    data/soup.png   its image
    data/soup.py    its code

A sample may lack any of the three, but needs text or code. Hidden files are not taken.
"""

_HOME = ".headrace"
_IGNORED = f"{_HOME}/\n"


def create(directory: pathlib.Path) -> list[pathlib.Path]:
    """Lays out a project: its configuration, the configuration's schema for editors, a place for data, a pair of keys.

    Returns:
        The files written.

    Raises:
        ConfigError: there is a project already.
        StorageError: the directory cannot be written.
    """
    if (directory / "headrace.yaml").exists():
        raise ConfigError("there is a headrace.yaml already", where=str(directory), remedy="choose another directory")
    files = {
        "headrace.yaml": _CONFIG.format(name=_name_of(directory)),
        "headrace.schema.json": _schema(),
        "README.md": _README.format(name=_name_of(directory)),
        ".gitignore": _IGNORED,
    }
    written = []
    try:
        (directory / "data").mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = directory / name
            if not path.exists():
                path.write_text(text, encoding="utf-8")
                written.append(path)
        key = Home(directory / _HOME).keys / "signing.pem"
        if not key.exists():
            keys.make(key)
            written.append(key)
    except OSError as error:
        raise StorageError(f"cannot write: {error.strerror}", where=str(directory)) from error
    return written


def _name_of(directory: pathlib.Path) -> str:
    """A valid pipeline name near the directory's."""
    letters = "".join(c if c.isascii() and c.isalnum() else "-" for c in directory.absolute().name.lower())
    letters = letters.strip("-")
    return letters if letters[:1].isalpha() else f"project-{letters}".rstrip("-")


def _schema() -> str:
    return json.dumps(config.json_schema(), indent=2) + "\n"
