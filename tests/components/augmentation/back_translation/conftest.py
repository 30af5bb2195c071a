"""Apertium itself, and programs in its place that misbehave as a text tells them to."""

import os
import shutil
import stat
import sys
import textwrap

import pytest

from components.augmentation.back_translation.apertium import Apertium
from components.augmentation.back_translation.config import ApertiumSettings, BackTranslation


@pytest.fixture(scope="session")
def apertium():
    """The installed eng-spa pair, running."""
    if shutil.which("apertium") is None or not os.path.exists("/usr/share/apertium/modes/eng-spa.mode"):
        why = "apertium is not installed: sudo apt-get install apertium apertium-eng-spa"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    translator = Apertium(BackTranslation())
    yield translator
    translator.close()


# Answers each text with itself in capitals. Words in the text make it misbehave.
_PROGRAM = """\
    import os, sys, time
    waiting = b""
    while True:
        read = os.read(0, 65536)
        if not read:
            break
        *texts, waiting = (waiting + read).split(b"\\0")
        for text in texts:
            if b"hang" in text:
                time.sleep(60)
            if b"crash" in text:
                os._exit(3)
            if b"endless" in text:
                while True:
                    os.write(1, b"x" * 4096)
            if b"torn" in text:
                text = text[:5]
            if b"binary" in text:
                text = bytes([255, 254]) + text
            if b"twice" in text:
                text += b"\\0" + text
            os.write(1, text.upper() + b"\\0")
"""


@pytest.fixture
def misbehaving(tmp_path):
    """Makes a configuration whose pair eng-spa is that program."""
    program = tmp_path / "translate"
    program.write_text(f"#!{sys.executable}\n{textwrap.dedent(_PROGRAM)}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for pair in ("eng-spa", "spa-eng"):
        (tmp_path / f"{pair}.mode").write_text(f"{program} $1 $2 '{tmp_path}/data'\n")

    def make(**changes):
        return BackTranslation(apertium=ApertiumSettings(modes=str(tmp_path)), **{"time_limit_s": 2.0, **changes})

    return make
