"""Hands a cleaning to Spark: `spark-submit` starts a driver process here, wherever the workers are."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import shutil
import sys

from components import own_code, process
from components.cleaning.steps import NODE, Cleaning
from schemas.config import to_json
from schemas.errors import ConfigError

PROCESS = "components.cleaning.spark_job"
_ROOT = pathlib.Path(__file__).resolve().parents[2]
LOCAL_OPTIONS = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
OPTIONS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # The chain sends few, large messages: what a partition holds is decided by their keys, not by their size.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "16",
    "spark.executorEnv.PYTHONPATH": str(_ROOT),
}
_ERROR = " ERROR "


def submit(cleaning: Cleaning) -> None:
    """Runs the cleaning on Spark and waits for it.

    Raises:
        ConfigError: Spark or Java is not installed.
        HeadraceError: what a step raised.
        ProcessError: the job failed in any other way.
    """
    home = _home()
    if home is None:
        raise ConfigError(
            "Spark is not installed", where="cleaning.engine", remedy="pip install 'headrace[spark]', or engine: beam"
        )
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise ConfigError(
            "Spark needs Java, and there is none on the PATH",
            where="cleaning.engine",
            remedy="apt-get install openjdk-17-jre-headless, set JAVA_HOME, or engine: beam",
        )
    section = cleaning.config.spark
    options = OPTIONS | {f"spark.executorEnv.{name}": value for name, value in own_code.environment().items()}
    options |= (LOCAL_OPTIONS if section.master.startswith("local") else {}) | section.options
    command = [str(home / "bin" / "spark-submit"), "--master", section.master]
    for name, value in options.items():
        command += ["--conf", f"{name}={value}"]
    job = {name: getattr(cleaning, name) for name in ("source", "work", "cleaned", "rejected", "index", "earlier")}
    job |= {"config": to_json(cleaning.config), "shard_bytes": cleaning.shard_bytes}
    # A script would put its own folder first on the path, where `config` and `images` are names of ours.
    environment = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable, "PYTHONSAFEPATH": "1"}
    try:
        process.run(PROCESS, job, node=NODE, environment=environment, launcher=command)
    except process.ProcessError as error:
        reasons = [line.partition(_ERROR)[2] for line in error.said if _ERROR in line]
        if not reasons:
            raise
        raise process.ProcessError(
            f"Spark failed: {reasons[0]}",
            where=f"cleaning.spark.master {section.master}",
            remedy="check the master's address and its own page; the node's log has all that Spark said",
        ) from error


def _home() -> pathlib.Path | None:
    try:
        found = importlib.util.find_spec("pyspark")
    except ValueError:  # it was set aside in this process
        return None
    return None if found is None or found.origin is None else pathlib.Path(found.origin).parent
