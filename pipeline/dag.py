"""The whole DAG on one screen, the same for every runner."""

from __future__ import annotations

from tfx.components.example_validator.component import ExampleValidator
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.dsl.components.common import resolver
from tfx.orchestration import metadata, pipeline
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from components.alignment.component import Align
from components.augmentation.component import Augment
from components.cleaning.component import Clean
from components.cleaning.earlier_index import EarlierIndexStrategy
from components.compression.component import Compress
from components.dual_encoder.component import TrainDualEncoder
from components.dual_encoder.latest import LatestEncoderStrategy
from components.evaluation.component import Evaluate
from components.example_gen.component import ExampleGen
from components.infra_validation.component import InfraValidate
from components.ingestion.component import Ingest
from components.release.component import CanaryPusher
from components.release.live_model import LiveModelStrategy
from components.retraining.component import FineTune
from components.tokenization.component import Tokenize
from components.training.component import Train
from components.transform.component import Transform
from components.validation.component import SchemaImport
from pipeline.config import Config
from schemas.artifacts import DualEncoder, NearDuplicateIndex
from schemas.home import Home

BEAM_ARGUMENTS = [
    # Named in full: Beam's DirectRunner would first try to download a runner written in Go, and use it where it can.
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    # In one process and one thread: Beam's local multi-processing is slower here by far and may not end.
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
    # Nothing is pulled. Without an image TFX packs itself for remote workers before each Beam node, and changes the
    # working directory of the whole process meanwhile, which two branches at once do not survive.
    "--sdk_container_image=none",
]


def build(config: Config, home: Home | None = None) -> pipeline.Pipeline:
    """The pipeline that a configuration describes.

    Args:
        config: every node's parameters.
        home: where its metadata and artifacts live; `Home.current()` if None.
    """
    home = home or Home.current()

    ingest = Ingest(config=config.ingestion)
    earlier = resolver.Resolver(
        strategy_class=EarlierIndexStrategy,
        records=ingest.outputs["records"],
        index=Channel(type=NearDuplicateIndex),
    ).with_id("EarlierIndex")
    incremental = config.cleaning.near_duplicates.incremental
    clean = Clean(
        records=ingest.outputs["records"],
        earlier=earlier.outputs["index"] if incremental else None,
        config=config.cleaning,
    ).with_beam_pipeline_args([*BEAM_ARGUMENTS, *config.cleaning.beam])
    latest_encoder = resolver.Resolver(
        strategy_class=LatestEncoderStrategy,
        records=clean.outputs["cleaned"],
        encoder=Channel(type=DualEncoder),
    ).with_id("LatestEncoder")
    image_text = config.alignment.image_text
    align = Align(
        records=clean.outputs["cleaned"],
        encoder=latest_encoder.outputs["encoder"] if image_text.use else None,
        config=config.alignment,
        seed=config.seed,
    )
    train_dual_encoder = TrainDualEncoder(samples=align.outputs["samples"], config=image_text.encoder, seed=config.seed)
    augment = Augment(
        samples=align.outputs["samples"], config=config.augmentation, cleaning=config.cleaning, seed=config.seed
    )
    examples = ExampleGen(samples=augment.outputs["augmented"])

    statistics = StatisticsGen(examples=examples.outputs["examples"])
    schema = SchemaImport(config=config.validation)
    validator = ExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"])

    tokenize = Tokenize(samples=align.outputs["samples"], config=config.tokenization)
    transform = Transform(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        tokenizer=tokenize.outputs["tokenizer"],
        config=config.transform,
    )
    train = Train(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        tokenizer=tokenize.outputs["tokenizer"],
        anomalies=validator.outputs["anomalies"],
        config=config.training,
        budgets=config.transform,
        seed=config.seed,
        variation=config.augmentation.image if config.augmentation.on_the_fly else None,
        signing=config.signing,
    )
    fine_tune = FineTune(
        model=train.outputs["model"],
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        tokenizer=tokenize.outputs["tokenizer"],
        config=config.retraining,
        training=config.training,
        budgets=config.transform,
        seed=config.seed,
        signing=config.signing,
    )
    tuned = fine_tune.outputs["tuned_model"] if config.retraining.wanted else train.outputs["model"]
    compress = Compress(
        model=tuned,
        reference=train.outputs["model"] if config.retraining.wanted else None,
        samples=align.outputs["samples"],
        config=config.compression,
        signing=config.signing,
    )

    serves = compress.outputs["compressed_model"] if config.release.variant == "int8" else tuned
    live = resolver.Resolver(
        strategy_class=LiveModelStrategy,
        candidate=serves,
        model=Channel(type=standard_artifacts.Model),
        pushed_model=Channel(type=standard_artifacts.PushedModel),
    ).with_id("LiveModel")
    evaluate = Evaluate(
        model=serves,
        reference=train.outputs["model"],
        baseline=live.outputs["model"],
        samples=align.outputs["samples"],
        config=config.evaluation,
    )
    infra_validate = InfraValidate(
        model=serves,
        reference=tuned,
        samples=align.outputs["samples"],
        config=config.infra_validation,
        signing=config.signing,
    )
    release = CanaryPusher(
        model=serves,
        model_blessing=evaluate.outputs["blessing"],
        infra_blessing=infra_validate.outputs["blessing"],
        live=live.outputs["pushed_model"],
        config=config.release,
        signing=config.signing,
    ).with_id("Release")

    return pipeline.Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(home.artifacts),
        metadata_connection_config=metadata.sqlite_metadata_connection_config(str(home.metadata)),
        components=[
            ingest,
            *([earlier] if incremental else []),
            clean,
            *([latest_encoder] if image_text.use else []),
            align,
            *([train_dual_encoder] if image_text.train else []),
            augment,
            examples,
            statistics,
            schema,
            validator,
            tokenize,
            transform,
            train,
            *([fine_tune] if config.retraining.wanted else []),
            compress,
            live,
            evaluate,
            infra_validate,
            release,
        ],  # fmt: skip
        enable_cache=True,
        beam_pipeline_args=BEAM_ARGUMENTS,
    )
