"""TrainDualEncoder between artifacts: its properties, the same bits again, nothing half done, refusals in words."""

import concurrent.futures
import dataclasses
import pathlib
import time

import psutil
import pytest
from tfx.types import channel

from components.dual_encoder import encoder, retrieval
from components.dual_encoder.card import FILE_NAME, Card
from components.dual_encoder.component import TrainDualEncoder
from components.dual_encoder.executor import PROCESS, Executor
from components.process import ProcessError
from schemas import artifacts
from schemas.errors import SourceError
from tests import conformance
from tests.components.dual_encoder import drawings
from tests.fixtures import exports

CONFIG = dataclasses.replace(drawings.TINY, dropout=0.1)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return drawings.write(tmp_path_factory.mktemp("drawings") / "samples")


def node(config=CONFIG):
    return TrainDualEncoder(samples=channel.Channel(type=artifacts.Samples), config=config, seed=3)


def do(samples: pathlib.Path, output: pathlib.Path, config=CONFIG) -> artifacts.DualEncoder:
    made = exports.made(artifacts.DualEncoder, output)
    Executor().Do(
        {"samples": [exports.made(artifacts.Samples, samples)]}, {"encoder": [made]}, node(config).exec_properties
    )
    return made


@pytest.fixture(scope="module")
def made(samples, tmp_path_factory):
    return do(samples, tmp_path_factory.mktemp("made") / "encoder")


def properties(artifact):
    return {
        "digest": artifact.get_string_custom_property("digest"),
        "dim": artifact.get_int_custom_property("dim"),
        "pairs": artifact.get_int_custom_property("pairs"),
        "recall_at_10": artifact.get_float_custom_property("recall_at_10"),
        "chance": artifact.get_float_custom_property("chance"),
    }


def test_the_contract_is_one_that_kubeflow_can_carry():
    conformance.check_contract(node())


def test_the_artifact_says_what_it_learnt_from_and_how_well_it_does(made):
    card = Card.read(made.uri)
    assert properties(made) == {
        "digest": encoder.load(made.uri).towers.digest(),
        "dim": CONFIG.towers.dim,
        "pairs": 40,  # neither the copies nor those without an image
        "recall_at_10": card.recall_at_10,
        "chance": 1.0,
    }
    assert (card.train_pairs, card.eval_pairs, card.cluster_pairs) == (40, 8, 8)


def test_what_was_trained_finds_the_names_of_drawings_it_has_not_seen(made):
    loaded = encoder.load(made.uri)
    chosen = drawings.combinations("eval")
    images = loaded.encode_images([drawings.png(*one) for one in chosen])
    texts = loaded.encode_texts([" ".join(one) for one in chosen])
    assert retrieval.recall(images, texts, 1) >= 0.5, "chance is 0.125"
    assert not loaded.encode_texts(["", "?!"]).any(), "what says nothing is like nothing"


def test_the_same_inputs_are_the_same_bits(samples, made, tmp_path):
    again = do(samples, tmp_path / "again")
    assert properties(again) == properties(made)
    for name in (FILE_NAME, encoder.WEIGHTS_FILE_NAME):
        assert pathlib.Path(again.uri, name).read_bytes() == pathlib.Path(made.uri, name).read_bytes()


def test_too_few_pairs_are_refused_in_words(samples, tmp_path):
    with pytest.raises(SourceError, match="40 samples of the split train") as caught:
        do(samples, tmp_path / "out", dataclasses.replace(CONFIG, min_pairs=41))
    assert str(samples) in str(caught.value)
    assert caught.value.remedy
    assert not list((tmp_path / "out").iterdir())


def test_killed_in_the_middle_it_leaves_no_encoder(samples, tmp_path):
    output = tmp_path / "out"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        endless = pool.submit(do, samples, output, dataclasses.replace(CONFIG, steps=10_000_000))
        process = trainer()
        process.kill()
        with pytest.raises(ProcessError, match="SIGKILL"):
            endless.result(timeout=60)
    assert not list(output.iterdir())


def trainer() -> psutil.Process:
    """The process that this one started to train, once it does: it has threads by then."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for child in psutil.Process().children():
            if PROCESS in child.cmdline() and child.cpu_times().user > 3:
                return child
        time.sleep(0.1)
    pytest.fail("no training process")
