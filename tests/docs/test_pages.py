"""Every command in the how-to pages runs, in the order in which a reader would type them."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from serving import keys
from serving.manifest import Manifest, ModelFormat

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.executable).parent
ON_A_USED_HOME = (
    "alignment.md",
    "augmentation.md",
    "cleaning.md",
    "compression.md",
    "state.md",
    "training.md",
    "troubleshooting.md",
    "your-own-rule.md",
)
PAGES = sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def commands(page: str) -> list[str]:
    """The lines of a page's `sh` blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def type_in(lines: list[str], directory: pathlib.Path, home: pathlib.Path | None = None) -> str:
    """Types commands into one shell that stops at the first failure; what it printed."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    environment.pop("HEADRACE_HOME", None)
    if home:
        environment["HEADRACE_HOME"] = str(home)
    answer = subprocess.run(
        ["bash", "-ec", "\n".join(lines)], cwd=directory, env=environment, capture_output=True, text=True, timeout=540
    )
    assert answer.returncode == 0, f"{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"
    return answer.stdout


def recipes(directory: pathlib.Path) -> None:
    """A user's own files: 60 recipes with texts, pictures and code, one of them broken."""
    directory.mkdir()
    for number in range(60):
        text = f"Recipe {number}: take {number % 7 + 1} onions, {number % 5} carrots and a pinch of salt. Stir well."
        (directory / f"r{number}.txt").write_text(text)
        if number % 2 == 0:
            (directory / f"r{number}.py").write_text(
                f"def cook_{number}(pot):\n    return pot.boil(minutes={number})\n"
            )
        if number % 3 == 0:
            picture = Image.effect_noise((40, 30), 60 + number)
            Image.merge("RGB", [picture, picture.rotate(90), picture]).save(directory / f"r{number}.png")
    (directory / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    (directory / "latin.txt").write_bytes("crème brûlée".encode("latin-1"))


def test_every_page_with_commands_is_walked_through():
    alone = {"signing.md", "your-own-data.md", "your-own-model.md"}
    assert {page for page in PAGES if commands(page)} == {*ON_A_USED_HOME, *alone}


def test_your_own_data_from_an_empty_directory_to_a_released_model(tmp_path):
    lines = commands("your-own-data.md")
    start = lines.index("cd recipes") + 1
    type_in(lines[:start], tmp_path)
    project = tmp_path / "recipes"
    (project / "data").rmdir()
    recipes(project / "data")
    printed = type_in(lines[start:], project)
    assert "broken.png" in printed
    assert "latin.txt" in printed
    assert (project / "examples.pbtxt").read_text().startswith("feature {")
    assert list((project / ".headrace" / "served" / "recipes" / "1").iterdir())


@pytest.mark.parametrize("page", ON_A_USED_HOME)
def test_the_commands_of_the_other_pages_run_on_a_home_that_was_used(sliced, first_run, page):
    type_in(commands(page), sliced.directory, sliced.home)


def test_a_model_of_your_own_goes_all_the_way_to_a_release(sliced, first_run, tmp_path):
    project = tmp_path / "copy"  # the next version would be one too many for the tests after these
    shutil.copytree(sliced.directory, project)
    printed = type_in(commands("your-own-model.md"), project, project / ".headrace")
    assert '"architecture": "gpt"' in printed and '"architecture": "convolutional:build"' in printed
    first, second = (Manifest.read(project / ".headrace" / "served" / "headrace" / version) for version in "12")
    assert (first.architecture, second.architecture) == ("gpt", "convolutional:build")
    assert second.format is ModelFormat.LITERT


def test_keys_are_made_used_by_hand_and_changed(sliced, first_run, tmp_path):
    if shutil.which("openssl") is None:
        reason = "openssl, which the page makes a key with, is not installed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    project = tmp_path / "copy"  # under a new key the tests after these would have to trust the former one
    shutil.copytree(sliced.directory, project)
    former = (project / ".headrace" / "keys" / "signing.pub").read_text()
    type_in(commands("signing.md"), project, project / ".headrace")
    assert (project / "former.pub").read_text() == former
    assert (project / ".headrace" / "keys" / "signing.pub").read_text() != former
    assert keys.public_half(project / "secrets" / "signing.pem") == keys.read_public(
        project / "secrets" / "signing.pub"
    )
