"""Private keys, tokens of known issuers, passwords in URLs, and assignments of high-entropy values to telling names."""

from __future__ import annotations

import collections
import math
import re
from collections.abc import Iterator

from components.cleaning.sensitive.findings import Context, Kind, Rule, Span, pattern

_KEY_MARK = pattern(r"-----(BEGIN|END) (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = pattern(r"(?:(?:[0-9A-Za-z-]{2,20}: [^\n]{0,80}|[0-9A-Za-z+/=]{0,80}[ \t]{0,4})(?:\r?\n|\\n|$)){1,400}")

_TOKENS = {
    "AWS access key": r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}",
    "GitHub": r"gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{40}",
    "GitLab": r"gl(?:pat|dt|rt|oas|ft|cbt|ptt|imt|agent|soat)-[0-9A-Za-z_-]{20}",
    "Slack": r"xox[abeoprs]-[0-9A-Za-z-]{10}|xapp-[0-9]-[0-9A-Z]{8}|hooks\.slack\.com/services/T[0-9A-Z]{6,12}/B[0-9A-Z]{6,12}/",
    "Stripe": r"(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16}|whsec_[0-9A-Za-z]{24}",
    "Google": r"AIza[0-9A-Za-z_-]{35}|GOCSPX-[0-9A-Za-z_-]{24}|ya29\.[0-9A-Za-z_-]{20}",
    "OpenAI": r"sk-(?:proj|svcacct|admin)-[0-9A-Za-z_-]{32}|sk-[0-9A-Za-z]{48}",
    "Anthropic": r"sk-ant-[0-9A-Za-z]{2,10}-[0-9A-Za-z_-]{32}",
    "Hugging Face": r"hf_[0-9A-Za-z]{34}",
    "npm": r"npm_[0-9A-Za-z]{36}",
    "PyPI": r"pypi-AgE[0-9A-Za-z_-]{40}",
    "SendGrid": r"SG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}",
    "Twilio": r"SK[0-9a-f]{32}",
    "DigitalOcean": r"do[opr]_v1_[0-9a-f]{64}",
    "Databricks": r"dapi[0-9a-f]{32}",
    "Azure": r"(?:AccountKey|SharedAccessKey)=[0-9A-Za-z+/]{42}|[?&]sig=[0-9A-Za-z%]{43}",
}
"""What each issuer's tokens begin with, up to where any longer rest is taken along."""
_TOKEN_HEADS = "|".join(_TOKENS.values())
_SIGNED = r"eyJ[0-9A-Za-z_-]{8,512}\.eyJ[0-9A-Za-z_-]{8,4096}\.[0-9A-Za-z_-]{10}"
"""A signed JSON web token (RFC 7519): both parts are objects, and `{"` in base64 is `eyJ`."""
_TOKEN = pattern(r"(?<![0-9A-Za-z])(?:" + _TOKEN_HEADS + "|" + _SIGNED + r")[0-9A-Za-z_+/=%-]{0,512}")

_URL = pattern(
    r"(?<![0-9A-Za-z+.-])[A-Za-z][0-9A-Za-z+.-]{1,20}://([^\s:/@?#\"'<>]{0,128}):([^\s:/@?#\"'<>]{3,256})@[0-9A-Za-z\[]"
)

_NAMES = (
    r"(?:passw(?:or)?d|passwd|pwd|passphrase|passwort|contrase[ñn]a|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key"
    r"|private[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?|密码|パスワード)"
)
_EQUALS = r"[\"'\])]{0,2}\s{0,4}(?::=|=>|=|:)\s{0,4}"
_QUOTED = pattern(
    _NAMES + r"([0-9A-Za-z_-]{0,40})" + _EQUALS + r"[bru]?(?:\"([^\"\s]{8,256})\"|'([^'\s]{8,256})'|`([^`\s]{8,256})`)",
    caseless=True,
)
_BARE = pattern(
    _NAMES + r"([0-9A-Za-z_-]{0,40})" + _EQUALS + r"([0-9A-Za-z!@#%^&*+/=_.~$-]{8,256})(?=[\s,;)}\]\"'<]|$)",
    caseless=True,
)
_NAME_OF_ANOTHER_THING = pattern(
    r"(?:url|uri|file|path|dir|name|id|type|field|header|prefix|suffix|length|len|size|count|class|re|regex|pattern|hint"
    r"|label|prompt|expires?|expiry|ttl|format|env|var|policy|endpoint|refs?|kind|source"
    r"|store|manager|provider|schema|model|spec|template|s)$",
    caseless=True,
)
_PLACEHOLDER = pattern(
    r"(.)\1{4,}|x{4,}|\*{3}|\.{3}|\$\{|\$\(|\{\{|%\(|%s|<[^>]*>|change.?me|example|sample|dummy|placeholder|redacted"
    r"|your.?|insert|replace|todo|fixme|environ|getenv|secrets?\.|vault|test|12345|abcdef|^\$[A-Za-z_]",
    caseless=True,
)
_IDENTIFIER = pattern(r"[A-Za-z_][A-Za-z_]*[0-9]{0,2}(?:[.:-]{1,2}[A-Za-z_][A-Za-z_]*[0-9]{0,2})*[.,;]?")
_CONSTANT = pattern(r"[A-Z][0-9A-Z]{0,39}(?:_[0-9A-Z]{1,40}){1,10}")
_PATH = pattern(r"[a-z]{2,10}://|[./~]{1,2}[A-Za-z]|[A-Za-z]:\\", caseless=True)
_MIN_BARE_BITS = 3.0


def entropy_bits(value: str) -> float:
    """Shannon entropy of the characters of `value`, in bits a character (Shannon 1948, section 6)."""
    counts = collections.Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)


def _private_keys(text: str, _context: Context) -> Iterator[Span]:
    """Blocks from BEGIN to END; where the END is missing, to the last line that may belong to a key."""
    begin: re.Match[str] | None = None
    for mark in _KEY_MARK.finditer(text):
        if begin is not None and mark[1] == "END":
            yield begin.start(), mark.end()
            begin = None
        elif mark[1] == "BEGIN":
            if begin is not None:
                yield begin.start(), _end_of_body(text, begin.end(), mark.start())
            begin = mark
    if begin is not None:
        yield begin.start(), _end_of_body(text, begin.end(), len(text))


def _end_of_body(text: str, start: int, limit: int) -> int:
    body = _KEY_BODY.match(text, start, limit)
    end = body.end() if body else start
    return start + len(text[start:end].rstrip())


def _tokens(text: str, _context: Context) -> Iterator[Span]:
    return (match.span() for match in _TOKEN.finditer(text))


def _passwords_in_urls(text: str, _context: Context) -> Iterator[Span]:
    for match in _URL.finditer(text):
        if not _PLACEHOLDER.search(match[2]) and match[2].lower() not in (
            "password",
            "passwd",
            "pass",
            "pwd",
            "secret",
        ):
            yield match.span(2)


def _quoted(text: str, context: Context) -> Iterator[Span]:
    for match in _QUOTED.finditer(text):
        group = match.lastindex or 0
        if _is_secret(match[1], match[group], context.config.min_secret_bits):
            yield match.span(group)


def _bare(text: str, context: Context) -> Iterator[Span]:
    for match in _BARE.finditer(text):
        value = match[2]
        mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
        if context.code and not (len(value) >= 16 and value.isalnum() and sum(c.isdigit() for c in value) >= 3):
            continue
        if mixed and _is_secret(match[1], value, max(_MIN_BARE_BITS, context.config.min_secret_bits)):
            yield match.span(2)


def _is_secret(rest_of_name: str, value: str, min_bits: float) -> bool:
    return not (
        _NAME_OF_ANOTHER_THING.search(rest_of_name)
        or _PLACEHOLDER.search(value)
        or _IDENTIFIER.fullmatch(value)
        or _CONSTANT.fullmatch(value)
        or _PATH.match(value)
        or entropy_bits(value) < min_bits
    )


RULES = (
    Rule(Kind.SECRET, (r"-----BEGIN [A-Z0-9 ]{0,39}PRIVATE KEY",), _private_keys),
    Rule(Kind.SECRET, (_TOKEN_HEADS + r"|[0-9A-Za-z_-]{8}\.eyJ[0-9A-Za-z_-]{8}",), _tokens),
    Rule(Kind.SECRET, (r"://[^\s:/@?#\"'<>]{0,128}:[^\s:/@?#\"'<>]{3,256}@[0-9A-Za-z\[]",), _passwords_in_urls),
    Rule(Kind.SECRET, (_NAMES + r"[0-9A-Za-z_-]{0,40}" + _EQUALS + r"[bru]?[\"'`][^\s]{8}",), _quoted),
    Rule(Kind.SECRET, (_NAMES + r"[0-9A-Za-z_-]{0,40}" + _EQUALS + r"[0-9A-Za-z!@#%^&*+/=_.~$-]{8}",), _bare),
)
