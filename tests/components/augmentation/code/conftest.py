from tests.pipeline.report.conftest import browser

__all__ = ["browser"]
