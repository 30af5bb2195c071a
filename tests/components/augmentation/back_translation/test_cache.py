"""The cache: nothing is translated twice, whatever happens to it."""

import subprocess
import sys
import textwrap

from components.augmentation.back_translation.cache import CachedTranslator
from components.augmentation.back_translation.translators import Failure, Translation


class Capitals:
    """A translator that counts what it is asked for."""

    source, pivot = "en", "es"

    def __init__(self, identity="capitals 1"):
        self.identity = identity
        self.asked = []

    def translate(self, texts, source, target):
        self.asked += texts
        return [
            Translation(failure=Failure.TIMED_OUT) if "hang" in text else Translation(text.upper(), ("é",), True)
            for text in texts
        ]

    def close(self):
        pass


def asked(directory, texts, translator=None, target="es"):
    translator = translator or Capitals()
    results = CachedTranslator(translator, "en", target, directory).translate(texts)
    assert [result.text for result in results if result.failure is None] == [
        text.upper() for text in texts if "hang" not in text
    ]
    return translator.asked


def test_what_was_translated_once_is_not_translated_again(tmp_path):
    assert asked(tmp_path, ["a", "b", "a"]) == ["a", "b"]
    assert asked(tmp_path, ["b", "c", "a"]) == ["c"]
    assert asked(tmp_path, ["a", "b", "c"]) == []


def test_all_of_a_translation_is_kept(tmp_path):
    asked(tmp_path, ["a"])
    assert CachedTranslator(Capitals(), "en", "es", tmp_path).translate(["a"]) == [Translation("A", ("é",), True)]


def test_another_translator_or_language_is_asked(tmp_path):
    asked(tmp_path, ["a"])
    assert asked(tmp_path, ["a"], Capitals("capitals 2")) == ["a"]
    assert asked(tmp_path, ["a"], target="fr") == ["a"]


def test_failures_are_tried_again(tmp_path):
    asked(tmp_path, ["a", "hang"])
    assert asked(tmp_path, ["a", "hang"]) == ["hang"]
    translator = Capitals()
    cached = CachedTranslator(translator, "en", "es", None)
    assert [cached.translate(["hang"])[0].failure for _ in range(2)] == [Failure.TIMED_OUT] * 2
    assert translator.asked == ["hang"] * 2


def test_without_a_directory_it_remembers_as_long_as_it_lives():
    translator = Capitals()
    cached = CachedTranslator(translator, "en", "es", None)
    cached.translate(["a"])
    cached.translate(["a"])
    assert translator.asked == ["a"]


def test_a_file_that_was_changed_is_not_used(tmp_path):
    asked(tmp_path, ["a"])
    [file] = tmp_path.glob("*/*.jsonl")
    file.write_text(file.read_text().replace("A", "WRONG"))
    assert asked(tmp_path, ["a"]) == ["a"]


def test_what_is_left_of_an_ended_process_is_not_read(tmp_path):
    asked(tmp_path, ["a"])
    [folder] = tmp_path.iterdir()
    (folder / ".half").write_text('["b", "WRO')
    assert asked(tmp_path, ["a", "b"]) == ["b"]


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path):
    program = textwrap.dedent(
        """
        import pathlib, sys
        from components.augmentation.back_translation.cache import CachedTranslator
        from tests.components.augmentation.back_translation.test_cache import Capitals
        for number in range(40):
            cached = CachedTranslator(Capitals(), "en", "es", pathlib.Path(sys.argv[1]))
            cached.translate([f"{sys.argv[2]}{number}", f"both{number}"])
        """
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in ("x", "y")]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert asked(tmp_path, [f"{name}{number}" for name in ("x", "y", "both") for number in range(40)]) == []
    assert not list(tmp_path.glob("*/.*"))
