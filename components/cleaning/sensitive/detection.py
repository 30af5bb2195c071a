"""What is sensitive in a text: all rules, and the pass that spares most texts most of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from components.cleaning.sensitive import accounts, addresses, identities, phones, presidio, secrets
from components.cleaning.sensitive.config import Sensitive
from components.cleaning.sensitive.findings import Context, Finding, plain_characters, resolve
from components.cleaning.sensitive.trigger import Scanner

RULES = (*secrets.RULES, *addresses.RULES, *accounts.RULES, *identities.RULES, *phones.RULES)


def find(text: str, config: Sensitive, *, code: bool = False) -> tuple[Finding, ...]:
    """All findings in a text by position, none overlapping another: every rule runs on the whole text.

    Args:
        text: any text.
        config: regions and limits; policies do not matter.
        code: whether the text is source code, where digits in one run are rarely phone numbers and an unquoted value
            is rarely a secret.

    Raises:
        ConfigError: presidio is asked for and not installed.
    """
    return _run(plain_characters(text), config, code, range(len(RULES)))


def find_fast(text: str, config: Sensitive, *, code: bool = False) -> tuple[Finding, ...]:
    """What `find` finds: but only those rules run whose triggers match in the text."""
    plain = plain_characters(text)
    numbers = _scanner()(plain)
    return _run(plain, config, code, numbers) if numbers or config.presidio else ()


def _run(text: str, config: Sensitive, code: bool, numbers: Iterable[int]) -> tuple[Finding, ...]:
    context = Context(config, code)
    findings = [
        Finding(RULES[number].kind, start, end)
        for number in numbers
        for start, end in RULES[number].find(text, context)
    ]
    if config.presidio:
        findings += presidio.find(text, config)
    return resolve(findings)


def _scanner() -> Scanner:
    """The scanner of this process, compiled at the first call."""
    global _compiled  # noqa: PLW0603
    if _compiled is None:
        with _compiling:
            if _compiled is None:
                _compiled = Scanner(RULES)
    return _compiled


_compiling = threading.Lock()
_compiled: Scanner | None = None
