"""The process that drives Spark: one cleaning, as `components.cleaning.spark` describes it."""

from __future__ import annotations

import importlib
import re
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from components import process
from components.cleaning import spark_engine
from components.cleaning.config import CleaningConfig
from components.cleaning.steps import Cleaning
from schemas.config import from_json
from schemas.errors import HeadraceError

# A step's own error comes back as the text of its worker's traceback.
_OWN = re.compile(r"^(schemas\.errors)\.(\w+): (.+(?:\n  -> .+)?)$", re.MULTILINE)


def run(job: dict[str, Any]) -> None:
    """Runs the cleaning in a session of its own.

    Raises:
        HeadraceError: what a step raised.
    """
    cleaning = Cleaning(**{**job, "config": from_json(CleaningConfig, job["config"])})
    session = SparkSession.builder.appName("headrace-clean").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        spark_engine.run(session, cleaning.tasks(), cleaning.steps())
    except (PySparkException, Py4JJavaError) as error:
        own = _OWN.search(str(error))
        if own is None:
            raise
        kind: type[HeadraceError] = getattr(importlib.import_module(own[1]), own[2])
        what, _, remedy = own[3].partition("\n  -> ")
        raise kind(what, remedy=remedy or None) from error
    finally:
        session.stop()


if __name__ == "__main__":
    process.main(run)
