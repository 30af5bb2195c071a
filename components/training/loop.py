"""The training loop: batches, steps, what is done about bad ones, the curve, checkpoints, and going on from one."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import logging
import math
import pathlib
import time
from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.augmentation.image.config import ImageAugmentation
from components.training import architectures, flops, guards, incidents, measuring, network, strategies
from components.training.batches import Batch
from components.training.config import TrainingConfig, of_result
from components.training.examples import Examples
from components.training.feeding import Feed
from components.training.optimizer import AdamW
from components.training.parametrisation import Direct, Parametrisation
from components.training.report import Curve, Point
from components.training.saving import Checkpoints, Restored
from components.training.scoring import Scorer
from components.training.state import Keeper, State
from components.training.steps import Gradient, Steps
from components.training.summaries import Decode, Summaries
from components.training.tallies import Pace, Since
from components.training.watchdog import PEER_LOST, PREEMPTED, Preemption, Watchdog, end
from components.transform.config import TransformConfig
from schemas import progress
from schemas.errors import ConfigError, HeadraceError
from serving import sequence

NODE = "Train"
_EVALUATION_LIMIT_S = 3600.0
_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)

_log = logging.getLogger(__name__)


class DivergedError(HeadraceError):
    """The loss is not a number any more, or spikes again and again."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a training came to.

    Attributes:
        resumed_from_step: the checkpoint that it went on from, or None.
        notes: what was damaged and passed over, and which steps were.
        tokens_per_s: over the steps of this attempt; None where none was left to do.
        padding: share of the positions of those steps at which no sample was; None likewise.
        checkpoint: path of the last checkpoint, as `tf.train` names it; empty where another process saves.
    """

    resumed_from_step: int | None
    notes: tuple[str, ...]
    tokens_per_s: float | None
    padding: float | None
    checkpoint: str


class Trainer:
    """A model, its optimizer and the devices that they live on.

    Args:
        config: how to train.
        budgets: how much of a sample the model sees.
        vocabulary: number of token ids.
        seed: all randomness comes from it.
        variation: how the images that are learnt from are varied in each step; None if they are not.
        strategy: the devices, as `strategies.configure` makes them; TensorFlow's default if None.
        is_chief: whether this process writes what the workers come to.
        decode: turns token ids into text, for what the model writes; None for nothing.
        parametrise: says what learns of a network that was just built, and may give it other weights to start from; called
            in the strategy's scope.
        node: that the progress is of.

    Raises:
        ConfigError: the network cannot be built, or the batch cannot be shared out.
    """

    def __init__(
        self,
        config: TrainingConfig,
        budgets: TransformConfig,
        *,
        vocabulary: int,
        seed: int,
        variation: ImageAugmentation | None = None,
        strategy: tf.distribute.Strategy | None = None,
        is_chief: bool = True,
        decode: Decode | None = None,
        parametrise: Callable[[keras.Model], Parametrisation] = Direct,
        node: str = NODE,
    ):
        self.node = node
        self.config, self.is_chief, self.decode = config, is_chief, decode
        self.seed, self.variation = seed, variation
        self.strategy = strategy or tf.distribute.get_strategy()
        self.shape = network.Shape(
            vocabulary, sequence.length(budgets.text_tokens, budgets.code_tokens), budgets.image_size
        )
        replicas = self.strategy.num_replicas_in_sync
        if config.batch_size % replicas:
            raise ConfigError(
                f"{config.batch_size} rows cannot be shared out to {replicas} devices",
                where="training.batch_size",
                remedy="make it a multiple of the number of devices and workers",
            )
        keras.utils.set_random_seed(seed)
        with self.strategy.scope():
            with architectures.precision(config.precision):
                self.model = architectures.build(config, self.shape)
            self.parametrisation = parametrise(self.model)
            learnt = self.parametrisation.learnt
            spared = {id(weight) for weight in network.spared(self.model)}
            decays = [id(weight) not in spared for weight in self.model.trainable_variables]
            pairs = itertools.zip_longest(learnt, decays, fillvalue=False)
            self.optimizer = AdamW(config)
            self.optimizer.exclude_from_weight_decay([weight for weight, decay in pairs if not decay])
            self.optimizer.build(learnt)
        self.scorer = Scorer(self.model, budgets.image_size)

    def fit(self, train: Examples, held_out: Examples, directory: pathlib.Path) -> Trained:
        """Trains to the last step, from the newest whole checkpoint in the directory if there is one.

        A process that is asked to stop (SIGTERM) saves its state and ends with `watchdog.PREEMPTED`; one of several
        workers that loses another ends with `watchdog.PEER_LOST`.

        Args:
            train: what to learn from.
            held_out: what the curve is measured on.
            directory: of checkpoints and curve; kept until the caller has the model.

        Raises:
            IntegrityError: the directory holds another training, or nothing that can be read; or what is learnt from was
                not made for the network.
            ConfigError: what is learnt from does not fit the batches that are asked for.
            DivergedError: the loss is not a number, or spikes again and again.
        """
        try:
            return _Fit(self, train, held_out, directory).run()
        except _LOST as error:
            if self.strategy.num_replicas_in_sync > 1 and self.config.strategy == "multi_worker":
                end(PEER_LOST, f"another worker is lost: {str(error).splitlines()[0][:300]}")
            raise

    def served(self) -> keras.Model:
        """The network as it is served and judged: on one device, in float32, with the weights that were learnt."""
        if self.config.precision == "float32" and self.strategy.num_replicas_in_sync == 1:
            return self.model
        with architectures.precision("float32"):
            twin = architectures.build(self.config, self.shape)
        for own, learnt in zip(twin.variables, self.model.variables, strict=True):
            own.assign(strategies.local(learnt))
        return twin


class _Fit:
    """One training, from where it stands to its end."""

    def __init__(self, trainer: Trainer, train: Examples, held_out: Examples, directory: pathlib.Path):
        self._trainer, self._train, config = trainer, train, trainer.config
        self._config, chief = config, trainer.is_chief
        self._spikes = guards.SpikeDetector(config.spikes)
        self._scale = guards.LossScale(used=config.precision == "mixed_float16")
        self._since = Since()
        keepers: dict[str, Keeper] = {"spikes": self._spikes, "loss_scale": self._scale, "since": self._since}
        self._state = State(trainer.model, trainer.optimizer, keepers)
        xla = strategies.compiles(config)
        self._feed = Feed(
            config,
            train,
            model=trainer.model,
            shape=trainer.shape,
            seed=trainer.seed,
            compiled=xla,
            variation=trainer.variation,
        )
        parametrisation = trainer.parametrisation
        self._steps = Steps(
            trainer.model,
            trainer.optimizer,
            config,
            strategy=trainer.strategy,
            specs=self._feed.specs,
            xla=xla,
            parametrisation=parametrisation,
        )
        self._checkpoints = Checkpoints(
            directory / "checkpoints",
            variables={**self._state.variables, **parametrisation.variables},
            identity={
                **{"model": config.model, "training": _digest(config), "seed": str(trainer.seed)},
                **parametrisation.identity,
            },
            keep=config.keep_checkpoints,
            keep_every_hours=config.keep_checkpoint_every_hours,
            writes=chief,
        )
        self._curve = Curve(directory / "metrics.jsonl", writes=chief)
        self._log = incidents.Incidents(directory / incidents.FILE_NAME, writes=chief)
        self._summaries = Summaries(directory / "logs" if chief else None, trainer.decode)
        self._watched = held_out.take(_spread(len(held_out), config.curve_samples))
        self._written = held_out.take(_spread(len(held_out), config.written_samples))
        self._pace, self._whole = Pace(), Pace()

    def run(self) -> Trained:
        config, state = self._config, self._state
        restored = self._restored()
        step = first = self._at(state.take())
        self._curve.go_on_from(first)
        self._incidents = [one for one in self._log.read() if one.back_to is not None or one.step < first]
        progress.start(self._trainer.node, "training", total=config.steps, unit="steps")
        progress.update(self._trainer.node, first)
        limit_s = config.hang_timeout_s if config.strategy == "multi_worker" else None
        saved_s = time.monotonic()
        with Preemption() as preemption, Watchdog(limit_s, step=first) as watchdog:
            while step < config.steps:
                passed = [incident.step for incident in self._incidents if incident.back_to == step]
                if passed:
                    step = self._at(max(passed) + 1)
                    continue
                batch = self._feed.batch(step)
                gradient = self._steps.gradient(batch, scale=self._scale.value, stop=preemption.requested)
                if gradient.asked_to_stop:
                    self._save(step)
                    self._checkpoints.wait()
                    end(PREEMPTED, f"asked to stop; {step} steps are saved")
                back_to = self._learn(gradient, batch, step)
                if back_to is not None:
                    step = self._at(back_to)
                    continue
                self._since.add(gradient, batch)
                self._pace.add(batch)
                step = self._at(step + 1)
                progress.update(self._trainer.node, step)
                watchdog.beat(step)
                if step % config.evaluate_every_steps == 0 or step == config.steps:
                    with watchdog.phase("measuring", limit_s=_EVALUATION_LIMIT_S):
                        self._measure(step, gradient)
                minutes = config.checkpoint_every_minutes
                overdue = minutes is not None and time.monotonic() - saved_s > 60 * minutes
                if step % config.checkpoint_every_steps == 0 or step == config.steps or overdue:
                    self._save(step)
                    saved_s = time.monotonic()
        self._checkpoints.wait()
        return self._told(restored, first)

    def _at(self, step: int) -> int:
        """That step, the network having the weights that it has there."""
        self._trainer.parametrisation.show(step)
        return step

    def _learn(self, gradient: Gradient, batch: Batch, step: int) -> int | None:
        """Moves the weights unless something is wrong with the step; the step to go back to, if any."""
        why = self._spikes.judge(gradient.loss, gradient.norm)
        if why is None:
            self._steps.update(gradient)
            self._scale.held()
            return None
        if math.isfinite(gradient.loss) and not math.isfinite(gradient.norm) and self._scale.overflowed():
            _log.info("step %d: the gradient overflowed; the loss is scaled by %g now", step + 1, self._scale.value)
            return None
        return self._passed_over(step, why, batch)

    def _passed_over(self, step: int, why: str, batch: Batch) -> int | None:
        """Records a step that is not learnt from; the step to go back to, if any.

        Raises:
            DivergedError: there were too many of them, or none is allowed.
        """
        spikes, samples = self._config.spikes, tuple(name.decode() for name in self._train.names[batch.samples])
        _log.warning("step %d is passed over: %s", step + 1, why)
        saved = step - step % self._config.checkpoint_every_steps
        rolls_back = spikes.action == "roll_back" and saved > 0
        self._incidents.append(incidents.Incident(step, why, samples, saved if rolls_back else None))
        self._log.keep(self._incidents)
        row = sum(one.step > step - spikes.most for one in self._incidents if one.back_to is None)
        row = max(row, sum(one.back_to == saved for one in self._incidents))
        if spikes.action == "stop" or row >= spikes.most:
            raise DivergedError(
                f"{why}, after {row} such steps",
                where=f"step {step + 1}",
                remedy="lower training.learning_rate and run again; incidents.jsonl names the samples of these steps",
            )
        if not rolls_back:
            return None
        self._restored(no_later_than=saved)
        return self._state.take()

    def _save(self, step: int) -> None:
        self._state.keep(step)
        self._checkpoints.save(step)

    def _measure(self, step: int, gradient: Gradient) -> None:
        trainer, pace = self._trainer, self._pace
        nll, tokens, size, positions = self._since.state.tolist()
        spent_s = pace.seconds
        weights = [strategies.local(weight) for weight in trainer.model.trainable_variables]
        point = Point(
            step=step,
            loss=nll / tokens,
            learning_rate=float(trainer.optimizer.learning_rate),
            train_bits_per_byte=nll / math.log(2) / max(1, size),
            held_out_bits_per_byte=measuring.bits_per_byte(trainer.scorer.token_nll(self._watched), self._watched),
            tokens_per_s=pace.tokens / spent_s,
            gradient_norm=gradient.norm,
            weight_norm=float(tf.linalg.global_norm(weights)),
            padding=1 - tokens / positions,
            utilisation=flops.of_token(trainer.model) * pace.tokens / spent_s / flops.attainable(),
        )
        self._curve.add(point)
        self._summaries.add(point)
        self._summaries.write(step, self._written, trainer.scorer.next_token)
        self._whole.include(pace, spent_s)
        self._since.state, self._pace = Since().state, Pace()

    def _restored(self, no_later_than: int | None = None) -> Restored:
        """The newest whole checkpoint, the same in all workers; only the chief tidies, so the others let it finish."""
        self._checkpoints.wait()
        self._sum(0)
        restored = self._checkpoints.restore(no_later_than=no_later_than)
        step = restored.step or 0
        if self._sum(step) != step * self._trainer.strategy.num_replicas_in_sync:
            end(PEER_LOST, f"workers found different checkpoints, this one that of step {step}")
        return restored

    def _sum(self, number: int) -> int:
        """Of all workers' numbers; each waits here for all."""
        strategy = self._trainer.strategy
        if self._config.strategy != "multi_worker":
            return number * strategy.num_replicas_in_sync

        @tf.function
        def total(own: tf.Tensor) -> tf.Tensor:
            def on_replica(own: tf.Tensor) -> tf.Tensor:
                return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(own))

            return strategy.run(on_replica, args=(own,))

        return int(strategy.experimental_local_results(total(tf.constant(number, tf.int64)))[0])

    def _told(self, restored: Restored, first: int) -> Trained:
        whole = self._whole
        passed_over = (f"step {one.step + 1} was passed over: {one.why}" for one in self._incidents)
        return Trained(
            resumed_from_step=first or None,
            notes=(*([restored.note] if restored.note else []), *passed_over),
            tokens_per_s=whole.tokens / whole.spent_s if whole.tokens else None,
            padding=1 - whole.tokens / whole.positions if whole.tokens else None,
            checkpoint=self._checkpoints.latest if self._trainer.is_chief else "",
        )


def _digest(config: TrainingConfig) -> str:
    text = json.dumps(of_result(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _spread(samples: int, wanted: int) -> npt.NDArray[np.int64]:
    return np.unique(np.linspace(0, samples - 1, min(samples, wanted)).astype(np.int64))
