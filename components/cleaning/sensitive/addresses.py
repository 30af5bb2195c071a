"""E-mail, IP and MAC addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from components.cleaning.sensitive.findings import RIGHT, Context, Kind, Rule, Span, before, pattern

_LABEL = r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,62})"
_EMAIL = pattern(
    r"(?<![0-9A-Za-z._%+-])[0-9A-Za-z_%+-][0-9A-Za-z._%+-]{0,63}@((?:" + _LABEL + r"\.){1,8})([A-Za-z]{2,24})"
    r"(?![0-9A-Za-z_]|[.-][0-9A-Za-z])"
)
_AT = r"\s{0,2}(?:\(|\[|\{|<)\s{0,2}at\s{0,2}(?:\)|\]|\}|>)\s{0,2}"
_DOT = r"\s{0,2}(?:\(|\[|\{|<)\s{0,2}dot\s{0,2}(?:\)|\]|\}|>)\s{0,2}"
_BRACKETED = pattern(
    r"(?<![0-9A-Za-z._%+-])[0-9A-Za-z_%+-][0-9A-Za-z._%+-]{0,63}" + _AT + r"[0-9A-Za-z-]{1,63}"
    r"(?:(?:" + _DOT + r"|\.|\s{1,2}dot\s{1,2})[0-9A-Za-z-]{1,63}){1,6}",
    caseless=True,
)
_SPELT = pattern(
    r"(?<![0-9A-Za-z._%+-])[0-9A-Za-z_%+-][0-9A-Za-z._%+-]{0,63} at [0-9A-Za-z-]{1,63}"
    r"(?: dot [0-9A-Za-z-]{1,63}){0,5} dot "
    r"(?:com|org|net|edu|gov|info|biz|io|dev|uk|us|de|fr|es|it|nl|ch|at|be|eu|cn|jp|ru|se|no|pl|br|in|ca|au)" + RIGHT,
    caseless=True,
)
_NO_DOMAIN = pattern(
    r"png|jpe?g|gif|svg|webp|ico|css|m?js|ts|pyc?|class|java|json|xml|ya?ml|toml|html|txt|tgz|gz|zip|exe|dll|so"
    r"|service|socket|timer|target|mount|automount|swap|slice|scope|device|path|conf|rules",
    caseless=True,
)
"""What follows the last dot of file, unit and attribute names that hold an @."""
_ACCOUNT_OF_A_HOST = frozenset({"git", "hg", "svn"})
"""`git@host` is how a service is reached, not a person."""

_IPV4 = pattern(r"(?<![0-9A-Za-z_.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z_]|\.[0-9A-Za-z])")
_SPEAKS_OF_VERSIONS = pattern(
    r"(?:version|ver\.?|release[ds]?|revision|rev\.?|build|upgraded?|firmware|section|chapter|clause|appendix|figure|oid"
    r"|[^0-9A-Za-z]v|[=<>~^]=|[<>~^])\s{0,2}(?:to|of|from)?\s{0,2}[\"'(]?\Z",
    caseless=True,
)
_SPEAKS_OF_HOSTS = pattern(
    r"(?:ip|ipv4|address|addr|host|hostname|server|client|peer|gateway|router|nameserver|dns|remote|connect|connected"
    r"|listen|bind|ping|ssh|route|traceroute|src|dst|source|destination|ban|banned|://)[^0-9A-Za-z\n]{0,4}"
    r"(?:to|is|at|from)?[^0-9A-Za-z\n]{0,3}\Z",
    caseless=True,
)
_LISTS_DECIMALS = pattern(r"(?<![0-9.])[0-9]{0,20}(?:\.[0-9]{1,20}){1,2}[,-]\Z")
"""What stands before decimals without zeros in the path of an SVG: `1.89.425,1.2.3.4` is four coordinates and two."""
_GOES_ON_AS_HOST = pattern(r"/|:[0-9]|\]|[ ,]{1,2}port\b", caseless=True)
_IPV6 = pattern(r"(?<![0-9A-Za-z_:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z_:])")

_MAC = pattern(
    r"(?<![0-9A-Za-z_.])(?<![0-9A-Fa-f][:-])(?:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:"
    r"[0-9A-Fa-f]{2}|[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?![0-9A-Za-z_]|[:-][0-9A-Fa-f]|\.[0-9A-Fa-f])"
)


def _emails(text: str, _context: Context) -> Iterator[Span]:
    for match in _EMAIL.finditer(text):
        labels = match[1].split(".")[:-1]
        if _NO_DOMAIN.fullmatch(match[2]) or (len(labels) > 1 and all(label.isdigit() for label in labels)):
            continue
        if match.group().partition("@")[0].lower() not in _ACCOUNT_OF_A_HOST:
            yield match.span()


def _bracketed(text: str, _context: Context) -> Iterator[Span]:
    return (match.span() for match in _BRACKETED.finditer(text))


def _spelt(text: str, _context: Context) -> Iterator[Span]:
    return (match.span() for match in _SPELT.finditer(text))


def _ipv4(text: str, _context: Context) -> Iterator[Span]:
    for match in _IPV4.finditer(text):
        octets = match.group().split(".")
        if any((len(octet) > 1 and octet[0] == "0") or int(octet) > 255 for octet in octets):
            continue
        address = ipaddress.IPv4Address(match.group())
        if not address.is_global or address.is_multicast or address.is_reserved:
            continue
        words = before(text, match.start(), 24)
        if _SPEAKS_OF_VERSIONS.search(words) or _LISTS_DECIMALS.search(words):
            continue
        small = all(int(octet) < 32 for octet in octets)
        if not small or _SPEAKS_OF_HOSTS.search(words) or _GOES_ON_AS_HOST.match(text, match.end()):
            yield match.span()


def _ipv6(text: str, _context: Context) -> Iterator[Span]:
    for match in _IPV6.finditer(text):
        groups = match.group().split(":")
        try:
            address = ipaddress.IPv6Address(match.group())
        except ValueError:
            continue
        if not address.is_global or address.is_multicast:
            continue
        allocated = int(address) >> 125 == 1 and sum(map(bool, groups)) > 1
        if allocated or (len(groups) == 8 and all(groups) and any(len(group) > 2 for group in groups)):
            yield match.span()


def _macs(text: str, _context: Context) -> Iterator[Span]:
    for match in _MAC.finditer(text):
        octets = bytes.fromhex("".join(c for c in match.group() if c.isalnum()))
        if octets[0] & 1 or not any(octets) or octets.startswith(b"\x00\x00\x5e\x00\x53"):
            continue
        if ":" in match.group() or not match.group().replace("-", "").replace(".", "").isdecimal():
            yield match.span()  # digits alone, with other separators, are numbers: 1 in 280 addresses has no letter


RULES = (
    Rule(Kind.EMAIL, (r"[0-9A-Za-z._%+-]@[0-9A-Za-z][0-9A-Za-z-]{0,62}\.[0-9A-Za-z]",), _emails),
    Rule(Kind.EMAIL, (_AT,), _bracketed),
    Rule(Kind.EMAIL, (r"[0-9A-Za-z._%+-] at [0-9A-Za-z-]{1,63} dot [0-9A-Za-z]",), _spelt),
    Rule(Kind.IP_ADDRESS, (r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",), _ipv4),
    Rule(Kind.IP_ADDRESS, (r"[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{0,34}:|(:[0-9A-Fa-f]{1,4}){7}",), _ipv6),
    Rule(
        Kind.MAC_ADDRESS,
        (
            r"[0-9A-Fa-f]{2}:([0-9A-Fa-f]{2}:){4}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{2}-([0-9A-Fa-f]{2}-){4}[0-9A-Fa-f]{2}"
            r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}",
        ),
        _macs,
    ),
)
