"""What counts as sensitive and what becomes of it: the `cleaning.sensitive` section."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from schemas.config import section

Policy = Literal["redact", "drop", "keep"]
"""`redact`: a typed placeholder takes the value's place. `drop`: the record is rejected. `keep`: nothing happens."""


@section
class Sensitive:
    """Kinds of sensitive data and the policy of each."""

    regions: tuple[Annotated[str, pydantic.Field(pattern=r"^[A-Z]{2}$")], ...] = (
        "US",
        "GB",
        "DE",
        "FR",
        "ES",
        "IT",
        "CN",
        "JP",
    )
    """Countries (ISO 3166) whose phone numbers are found when written without country code."""
    email: Policy = "redact"
    """E-mail addresses, also written as `name [at] host [dot] tld`."""
    phone: Policy = "redact"
    """Phone numbers that are valid by the numbering plans of libphonenumber."""
    iban: Policy = "redact"
    """Bank accounts (ISO 13616) with a valid check number."""
    credit_card: Policy = "redact"
    """Payment card numbers with a known issuer range and a valid check digit."""
    national_id: Policy = "redact"
    """Numbers that a state gives to one person, with valid check digits where there are any."""
    ip_address: Policy = "redact"
    """Globally reachable IPv4 and IPv6 addresses. Private, loopback, documentation and multicast addresses are nobody's
    and never found; nor are version and section numbers."""
    mac_address: Policy = "redact"
    """Hardware addresses of one device. Broadcast, multicast, null and documentation addresses are never found."""
    secret: Policy = "redact"  # noqa: S105
    """Private keys, tokens of known issuers, passwords in URLs, and values of high entropy that are assigned to a name
    such as `password` or `api_key`."""
    person_name: Policy = "keep"
    """Names of persons; found only with `presidio`."""
    postal_address: Policy = "keep"
    """Places and addresses; found only with `presidio`."""
    min_secret_bits: Annotated[float, pydantic.Field(ge=0.0, le=8.0)] = 2.8
    """Values assigned to a secret's name count from this Shannon entropy on, in bits a character."""
    presidio: bool = False
    """Also ask the recognisers of presidio-analyzer, which must be installed with a spaCy model."""
    presidio_model: str = "en_core_web_sm"
    """The spaCy model that presidio takes names and places from."""
    min_presidio_score: Annotated[float, pydantic.Field(ge=0.0, le=1.0)] = 0.5
    """Findings of presidio count from this confidence on."""
