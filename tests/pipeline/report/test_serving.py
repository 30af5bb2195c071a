"""What the page says of the model's test in a clean process."""

from __future__ import annotations

import dataclasses

from pipeline.report import page
from tests.pipeline.report import made_up


def test_the_memory_and_the_key_are_shown_where_they_are_known() -> None:
    facts = made_up.facts()
    serving = dataclasses.replace(facts.serving, peak_memory_mb=166.4, signed_by="1bd68c05197e62bd" + "0" * 48)
    shown = page.render(dataclasses.replace(facts, serving=serving))
    assert "at most 166 MB of memory" in shown
    assert "signed by the key" in shown and "1bd68c05197e62bd<" in shown
    unknown = dataclasses.replace(facts.serving, peak_memory_mb=None, signed_by=None)
    hidden = page.render(dataclasses.replace(facts, serving=unknown))
    assert "MB of memory" not in hidden and "signed by" not in hidden
