"""Train: a model that serves as it was judged, the same bits after a kill, and no training on what is not as it should
be."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import math
import os
import pathlib
import signal
import time
from typing import Any

import numpy as np
import psutil
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.types import artifact, channel, standard_artifacts
from tfx.utils import path_utils

from components import process
from components.augmentation.image.config import ImageAugmentation
from components.process import ProcessError
from components.training import batches, examples, loop, report
from components.training.batches import Batch
from components.training.component import Train
from components.training.config import GptConfig, SpikesConfig, TrainingConfig
from components.training.executor import PROCESS, Executor
from components.training.feeding import Feed
from components.training.incidents import FILE_NAME, Incidents
from components.training.steps import Steps
from schemas import artifacts, tables
from schemas.errors import GateRefused
from serving import model as models
from serving.instance import Instance
from serving.manifest import Manifest
from tests.fixtures import exports, transformed

# Dropout, so that randomness would show if it were not part of the state.
CONFIG = TrainingConfig(
    gpt=GptConfig(width=32, depth=2, heads=2, dropout=0.1),
    steps=160,
    batch_size=6,
    warmup_steps=5,
    evaluate_every_steps=20,
    checkpoint_every_steps=20,
)
POINTS = list(range(20, 161, 20))


class Node:
    """Train on the small examples, in a home and with outputs of its own."""

    def __init__(self, root: pathlib.Path):
        self.home = root / "home"
        self.root = root
        self.anomalies = exports.made(standard_artifacts.ExampleAnomalies, root / "anomalies")
        self.attempts = 0

    def do(self, config: TrainingConfig = CONFIG, seed: int = 3) -> dict[str, list[artifact.Artifact]]:
        self.attempts += 1
        paths = transformed.made()
        split = exports.made(standard_artifacts.Examples, paths.examples)
        split.split_names = '["train", "eval"]'
        inputs = {
            "examples": [split],
            "transform_graph": [exports.made(standard_artifacts.TransformGraph, paths.graph)],
            "tokenizer": [exports.made(artifacts.Tokenizer, paths.tokenizer)],
            "anomalies": [self.anomalies],
        }
        outputs = {
            name: [exports.made(parameter.type, self.root / str(self.attempts) / name)]
            for name, parameter in Train.SPEC_CLASS.OUTPUTS.items()
        }
        component = Train(
            **{name: channel.Channel(type=parameter.type) for name, parameter in Train.SPEC_CLASS.INPUTS.items()},
            config=config,
            budgets=transformed.BUDGETS,
            seed=seed,
        )
        Executor().Do(inputs, outputs, dict(component.exec_properties))
        return outputs

    def killed(self) -> int:
        """Kills the training process with SIGKILL once it has saved a checkpoint; the step of the last one saved."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            attempt = pool.submit(self.do)
            until = time.monotonic() + 60
            while not list(self.home.glob("checkpoints/*/checkpoints/ckpt-40.sha256")):
                assert time.monotonic() < until and not attempt.done()
                time.sleep(0.01)
            [child] = [child for child in psutil.Process().children() if PROCESS in child.cmdline()]
            os.kill(child.pid, signal.SIGKILL)
            with pytest.raises(ProcessError, match="SIGKILL"):
                attempt.result()
        return max(
            int(path.stem.removeprefix("ckpt-")) for path in self.home.glob("checkpoints/*/checkpoints/ckpt-*.sha256")
        )


def told(outputs: dict[str, list[artifact.Artifact]]) -> report.Report:
    return report.Report.read(outputs["model_run"][0].uri)


def curve(outputs: dict[str, list[artifact.Artifact]]) -> list[report.Point]:
    """Its points, but for how fast they were come to."""
    points = report.Curve(pathlib.Path(outputs["model_run"][0].uri, report.CURVE_FILE_NAME)).points()
    return [dataclasses.replace(point, tokens_per_s=0.0, utilisation=None) for point in points]


@pytest.fixture
def node(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    made = Node(tmp_path)
    monkeypatch.setenv("HEADRACE_HOME", str(made.home))
    return made


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Outputs of an uninterrupted training, and its home."""
    made = Node(tmp_path_factory.mktemp("straight"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADRACE_HOME", str(made.home))
        return made.do(), made.home


def test_the_model_that_serves_is_the_one_that_was_judged(straight: Any) -> None:
    outputs, _ = straight
    directory = pathlib.Path(path_utils.serving_model_path(outputs["model"][0].uri))
    loaded = models.load(directory)
    rows = [row for row in tables.rows(transformed.made().samples) if row["split"] == "eval"]
    scores = loaded.score([Instance(row["text"], row["image"], row["code"]) for row in rows])
    nll = sum(score.text_nll + score.code_nll for score in scores)
    size = sum(score.text_bytes + score.code_bytes for score in scores)
    assert nll / math.log(2) / size == pytest.approx(told(outputs).bits_per_byte, abs=1e-4)
    assert Manifest.read(directory).weights_digest == told(outputs).weights_digest


def test_it_learns_and_tells_the_curve(straight: Any) -> None:
    outputs, _ = straight
    points = curve(outputs)
    assert [point.step for point in points] == POINTS
    assert points[-1].loss < 0.7 * points[0].loss
    assert points[-1].held_out_bits_per_byte < 0.7 * points[0].held_out_bits_per_byte
    summary = told(outputs)
    assert summary.resumed_from_step is None and summary.notes == ()
    assert summary.bits_per_byte < summary.unigram_bits_per_byte
    assert 0 < summary.trigram_bits_per_byte < summary.unigram_bits_per_byte
    assert summary.image_effect is not None and summary.image_effect.low < summary.image_effect.high
    assert (summary.train_samples, summary.eval_samples) == (24, 24)


def test_outputs_are_whole_and_nothing_is_left_behind(straight: Any) -> None:
    outputs, home = straight
    digests = {name: output.get_string_custom_property("digest") for name, [output] in outputs.items()}
    assert digests["model"] == digests["checkpoint"] == told(outputs).weights_digest
    [checkpoint] = pathlib.Path(outputs["checkpoint"][0].uri).glob("ckpt-160.index")
    reader = tf.train.load_checkpoint(str(checkpoint.with_suffix("")))
    assert reader.get_tensor("step/.ATTRIBUTES/VARIABLE_VALUE") == 160
    assert any("adamw" in name or "optimizer" in name for name in reader.get_variable_to_shape_map())
    assert list(pathlib.Path(outputs["model_run"][0].uri, "logs").glob("events.*"))
    assert list((home / "checkpoints").iterdir()) == []


def test_tensorboard_has_the_curve_and_what_the_model_writes(straight: Any) -> None:
    outputs, _ = straight
    events = event_accumulator.EventAccumulator(str(pathlib.Path(outputs["model_run"][0].uri, "logs")))
    events.Reload()
    shown = {"held_out_bits_per_byte", "learning_rate", "gradient_norm", "weight_norm", "tokens_per_s", "padding"}
    assert {*shown, "utilisation", "loss"} <= set(events.Tags()["tensors"])
    assert [event.step for event in events.Tensors("loss")] == POINTS
    [given, written] = tf.make_ndarray(events.Tensors("written/0")[-1].tensor_proto)[()].split(b" **...** ")
    assert given and written


def test_killed_in_the_middle_the_same_command_ends_with_the_same_bits(straight: Any, node: Node) -> None:
    saved = node.killed()
    outputs = node.do()
    assert told(outputs).resumed_from_step == saved < 160
    assert curve(outputs) == curve(straight[0])
    assert told(outputs).weights_digest == told(straight[0]).weights_digest
    assert told(outputs).bits_per_byte == told(straight[0]).bits_per_byte


def test_a_damaged_checkpoint_is_passed_over_and_the_bits_are_the_same(straight: Any, node: Node) -> None:
    saved = node.killed()
    [newest] = node.home.glob(f"checkpoints/*/checkpoints/ckpt-{saved}.data-*")
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    outputs = node.do()
    before = saved - 20
    assert told(outputs).notes == (f"ckpt-{saved} damaged, went on from ckpt-{before}",)
    assert told(outputs).resumed_from_step == before
    assert told(outputs).weights_digest == told(straight[0]).weights_digest


def test_only_the_very_same_training_goes_on(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    directories = []

    def run(module: str, job: dict[str, Any], **_: Any) -> None:
        directories.append(job["directory"])
        raise ProcessError("not today")

    monkeypatch.setattr(process, "run", run)
    for config, seed in ((CONFIG, 3), (CONFIG, 3), (CONFIG, 4), (TrainingConfig(steps=161), 3)):
        with pytest.raises(ProcessError):
            node.do(config, seed)
    assert directories[0] == directories[1]
    assert len(set(directories)) == 3


def test_anomalies_refuse_the_training_and_are_named(node: Node) -> None:
    directory = pathlib.Path(node.anomalies.uri, "Split-eval")
    directory.mkdir()
    found = anomalies_pb2.Anomalies()
    found.anomaly_info["image"].description = "Examples contain values missing from the schema"
    (directory / "SchemaDiff.pb").write_bytes(found.SerializeToString())
    with pytest.raises(GateRefused, match="split eval, feature image: Examples contain values missing") as caught:
        node.do()
    assert caught.value.remedy
    assert not node.home.exists()


def split_of(variation: ImageAugmentation | None = None) -> examples.Examples:
    return examples.load(str(transformed.made().examples / "Split-train"), transformed.BUDGETS, variation)


def trainer_of(config: TrainingConfig = CONFIG, **changes: Any) -> loop.Trainer:
    return loop.Trainer(config, transformed.BUDGETS, vocabulary=512, **{"seed": 0, **changes})


def fed(trainer: loop.Trainer, split: examples.Examples) -> Feed:
    return Feed(
        trainer.config,
        split,
        model=trainer.model,
        shape=trainer.shape,
        seed=trainer.seed,
        compiled=False,
        variation=trainer.variation,
    )


def stepping(trainer: loop.Trainer, feed: Feed) -> Steps:
    return Steps(
        trainer.model, trainer.optimizer, trainer.config, strategy=trainer.strategy, specs=feed.specs, xla=False
    )


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: pathlib.Path) -> None:
    trainer = trainer_of(dataclasses.replace(CONFIG, spikes=SpikesConfig(most=3)))
    trainer.model.embedding.assign(np.full(trainer.model.embedding.shape, np.nan))
    with pytest.raises(loop.DivergedError, match="loss is nan, after 3 such steps") as caught:
        trainer.fit(split_of(), split_of(), tmp_path)
    assert caught.value.where == "step 3" and "learning_rate" in str(caught.value.remedy)


def test_images_are_varied_anew_in_each_step_and_always_so() -> None:
    variation = ImageAugmentation()
    split = split_of(variation)
    feed = fed(trainer_of(seed=3, variation=variation), split)
    with_image = np.flatnonzero(split.has_image)[:6]
    one, again, next_step = (feed.varied(with_image, step).images for step in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    own = split.images[with_image]
    assert (one != own).any(axis=(1, 2, 3)).all() and (one != next_step).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(feed.varied(with_image[::-1], 0).images[::-1], one)
    np.testing.assert_array_equal(fed(trainer_of(seed=3), split).varied(with_image, 0).images, own)


def test_a_sample_counts_as_its_weight_says() -> None:
    config = dataclasses.replace(CONFIG, gpt=GptConfig(width=32, depth=2, heads=2), batch_size=6)
    six = split_of().take(np.arange(6))
    twice = dataclasses.replace(six, weights=np.array([2, 1, 1, 0, 0, 0], np.float32))
    repeated = six.take(np.array([0, 0, 1, 2]))
    after = []
    for given in (twice, repeated, six):
        trainer = trainer_of(config)
        steps = stepping(trainer, fed(trainer, given))
        gradient = steps.gradient(batches.of_samples(given, np.arange(len(given)), np.zeros(len(given), np.int32)))
        steps.update(gradient)
        weights = np.concatenate([weight.numpy().ravel() for weight in trainer.model.trainable_variables])
        after.append((gradient.loss, weights))
    (loss, weights), (expected_loss, expected), (unweighted_loss, _) = after
    assert loss == pytest.approx(expected_loss, rel=1e-5) and loss != pytest.approx(unweighted_loss, rel=1e-3)
    np.testing.assert_allclose(weights, expected, atol=1e-4)


def test_the_model_does_not_look_ahead_nor_at_an_absent_image() -> None:
    split = split_of()
    score = trainer_of().scorer.token_nll
    few = split.take(np.flatnonzero(split.has_image)[:4])
    nll = score(few)
    place = int(few.lengths().min()) // 2
    later = few.ids.copy()
    later[:, place + 1 : few.lengths().min() - 1] = 77
    changed = dataclasses.replace(few, ids=later)
    np.testing.assert_allclose(score(changed)[:, : place + 1], nll[:, : place + 1], atol=1e-5)
    assert np.abs(score(changed)[:, place + 1] - nll[:, place + 1]).max() > 1e-3

    other = dataclasses.replace(few, images=255 - few.images)
    assert np.abs(score(other) - nll).max() > 1e-4
    absent, other_absent = (
        dataclasses.replace(few, images=images, has_image=np.zeros_like(few.has_image))
        for images in (few.images, 255 - few.images)
    )
    np.testing.assert_array_equal(score(absent), score(other_absent))


def test_a_spike_is_passed_over_and_its_samples_are_named(tmp_path: pathlib.Path) -> None:
    config = dataclasses.replace(CONFIG, steps=30, spikes=SpikesConfig(history=10))
    split = split_of()
    trainer = trainer_of(config)
    feed = fed(trainer, split)
    bad = feed.batch(17).samples

    of_step = Feed.batch

    def ruined(self: Feed, step: int) -> Batch:
        batch = of_step(self, step)
        return dataclasses.replace(batch, weights=batch.weights * np.nan) if step == 17 else batch

    outcome = {}
    for action in ("skip", "roll_back"):
        chosen = dataclasses.replace(config, spikes=SpikesConfig(history=10, action=action), checkpoint_every_steps=10)
        trainer = trainer_of(chosen)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Feed, "batch", ruined)
            trained = trainer.fit(split, split, tmp_path / action)
        [incident] = Incidents(tmp_path / action / FILE_NAME).read()
        assert incident.step == 17 and incident.samples == tuple(split.names[bad].astype(str))
        assert trained.notes == (f"step 18 was passed over: {incident.why}",) and "nan" in incident.why
        outcome[action] = incident.back_to
    assert outcome == {"skip": None, "roll_back": 10}
