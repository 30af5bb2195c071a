"""Which rules can find something in a text: one pass of hyperscan over the triggers of all rules."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from components.cleaning.sensitive.findings import Rule

try:
    import hyperscan
except ImportError:  # no wheel for this platform: every rule runs on every text, with the same findings
    hyperscan = None  # type: ignore[assignment]

_LOG = logging.getLogger(__name__)


class Scanner:
    """The compiled triggers of some rules.

    Serves many threads, each with a scratch space of its own. Every process compiles its own (under a second): a
    scanner cannot be pickled.

    Args:
        rules: what is asked for; their order gives the numbers that a scan answers with.
    """

    def __init__(self, rules: Sequence[Rule]):
        numbered = [(number, trigger) for number, rule in enumerate(rules) for trigger in rule.triggers]
        self._rule_of = [number for number, _ in numbered]
        self._needed = [len(rule.triggers) for rule in rules]
        self._every = list(range(len(rules)))
        self._local = threading.local()
        self._database: hyperscan.Database | None = None
        if hyperscan is None:
            _LOG.warning("hyperscan is not installed: sensitive data is found at a twentieth of the speed")
        else:
            self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
            self._database.compile(
                expressions=[trigger.encode() for _, trigger in numbered],
                ids=list(range(len(numbered))),
                flags=hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_UTF8,
            )

    def __call__(self, text: str) -> list[int]:
        """Numbers of the rules all of whose triggers match in the text, ascending; of all rules without hyperscan."""
        if self._database is None:
            return self._every
        fired: list[int] = []
        self._database.scan(
            text.encode("utf-8", "replace"), match_event_handler=_collect, context=fired, scratch=self._scratch()
        )
        if not fired:
            return fired
        rules = sorted(self._rule_of[trigger] for trigger in fired)
        return [rule for rule in dict.fromkeys(rules) if rules.count(rule) == self._needed[rule]]

    def _scratch(self) -> hyperscan.Scratch:
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        return scratch


def _collect(trigger: int, _start: int, _end: int, _flags: int, fired: object) -> None:
    assert isinstance(fired, list)
    fired.append(trigger)
