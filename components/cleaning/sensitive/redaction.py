"""The policy at work: placeholders for what is found, or the record's rejection; never the value itself."""

from __future__ import annotations

import collections
import dataclasses
import enum
import hashlib
import hmac
import os
from collections.abc import Sequence

from components.cleaning.faults import Fault
from components.cleaning.sensitive.config import Sensitive
from components.cleaning.sensitive.detection import find_fast
from components.cleaning.sensitive.findings import Finding
from schemas.regions import Edit, apply_edits


class Reason(str, enum.Enum):
    """What a record is rejected for."""

    EMAIL = "sensitive_email"
    PHONE = "sensitive_phone"
    IBAN = "sensitive_iban"
    CREDIT_CARD = "sensitive_credit_card"
    NATIONAL_ID = "sensitive_national_id"
    IP_ADDRESS = "sensitive_ip_address"
    MAC_ADDRESS = "sensitive_mac_address"
    SECRET = "sensitive_secret"  # noqa: S105
    PERSON_NAME = "sensitive_person_name"
    POSTAL_ADDRESS = "sensitive_postal_address"
    UNSETTLED = "sensitive_unsettled"


@dataclasses.dataclass(frozen=True)
class Redaction:
    """What became of one text.

    Attributes:
        text: with placeholders for the values whose policy is `redact`. Of a text with a fault it is "".
        found: how many values of each kind were found, by name; kept ones count too.
        fault: why the text is rejected, if it is.
        passes: the edits that made it, pass by pass, each in the positions that the pass before has left.
    """

    text: str
    found: tuple[tuple[str, int], ...] = ()
    fault: Fault | None = None
    passes: tuple[tuple[Edit, ...], ...] = ()


def redact(texts: Sequence[str], config: Sensitive, *, code: bool = False) -> list[Redaction]:
    """Applies the policy of each kind to each text. Redacting a redacted text changes nothing.

    A text with a value of a kind to drop is rejected for the first such value, with its kind and hash as what was
    measured. A placeholder may uncover another value (digits that stood too close to the first), so a text is gone
    over until nothing is left; one that is not settled after eight passes was made for that and is rejected.

    Args:
        texts: any texts.
        config: policies, regions and limits.
        code: whether the texts are source codes.

    Returns:
        One outcome a text, in their order.

    Raises:
        ConfigError: presidio is asked for and not installed.
    """
    return [_redact(text, config, code) for text in texts]


def value_hash(value: str) -> str:
    """The first 12 hexadecimal digits of the value's HMAC-SHA256 (RFC 2104), by which reports tell values apart.

    The key is the environment variable HEADRACE_SENSITIVE_KEY, and "headrace" where it is not set. With a key of
    one's own, whoever reads the report but lacks the key learns only which records hold the same value. With the
    known key, or with the key in hand, anybody can hash guesses and compare: phone numbers, card numbers and
    national ids are few enough to try them all. 48 bits tell some ten million values apart; they prove nothing.
    """
    key = os.environ.get("HEADRACE_SENSITIVE_KEY", "") or "headrace"
    return hmac.new(key.encode(), value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]


_MAX_PASSES = 8


def _redact(text: str, config: Sensitive, code: bool) -> Redaction:
    findings = find_fast(text, config, code=code)
    if not findings:
        return Redaction(text)
    counts: collections.Counter[str] = collections.Counter()
    passes: list[tuple[Edit, ...]] = []
    for _ in range(_MAX_PASSES):
        dropped = next((finding for finding in findings if _policy(finding, config) == "drop"), None)
        if dropped is not None:
            counts.update(finding.kind.value for finding in findings)
            return Redaction("", _sorted(counts), _fault(dropped, text))
        redacted = [finding for finding in findings if _policy(finding, config) == "redact"]
        if not redacted:
            counts.update(finding.kind.value for finding in findings)
            return Redaction(text, _sorted(counts), passes=tuple(passes))
        counts.update(finding.kind.value for finding in redacted)
        passes.append(tuple(Edit(finding.start, finding.end, finding.kind.placeholder) for finding in redacted))
        text = apply_edits(text, passes[-1])
        findings = find_fast(text, config, code=code)
    return Redaction("", _sorted(counts), Fault(Reason.UNSETTLED, f"{_MAX_PASSES} passes", f"{_MAX_PASSES - 1} passes"))


def _policy(finding: Finding, config: Sensitive) -> str:
    return getattr(config, finding.kind.value)


def _fault(finding: Finding, text: str) -> Fault:
    kind = finding.kind.value
    return Fault(Reason(f"sensitive_{kind}"), f"{kind} {value_hash(text[finding.start : finding.end])}", "0")


def _sorted(counts: collections.Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items()))
