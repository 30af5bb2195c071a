"""A translator behind an address: one JSON object asked, one answered, for each text."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from typing import Any

import httpx

from components.augmentation.back_translation.config import BackTranslation
from components.augmentation.back_translation.translators import Failure, Translation
from schemas.errors import ConfigError

_BUSY = 429
_TROUBLE = 500
_SLACK_BYTES = 1000
_ESCAPED = 6  # bytes at most that a character takes in JSON, \u00e1


class HttpTranslator:
    """A translator that is asked by POST. Redirects are not followed: the key goes to the one address alone.

    Args:
        config: the address, the fields, the limits.

    Raises:
        ConfigError: the variable that shall hold the key is not set.
    """

    def __init__(self, config: BackTranslation):
        self._config = config
        self.source, self.pivot = config.http.source, config.http.pivot
        self._fields: dict[str, str] = dict(config.http.fields)
        headers = {}
        if config.http.key_variable is not None:
            key = os.environ.get(config.http.key_variable, "")
            if not key:
                raise ConfigError(
                    f"the environment has no {config.http.key_variable}, which shall hold the translator's key",
                    where="http.key_variable",
                    remedy=f"export {config.http.key_variable}=...",
                )
            if config.http.key_header is not None:
                headers[config.http.key_header] = key
            elif config.http.key_field is not None:
                self._fields[config.http.key_field] = key
        self._client = httpx.Client(headers=headers, timeout=config.time_limit_s, follow_redirects=False)

    @property
    def identity(self) -> str:
        """The address, what is asked of it, and the version that the configuration gives."""
        settings = self._config.http
        return json.dumps(["http", settings.url, settings.fields, settings.answer, settings.version], sort_keys=True)

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[Translation]:
        """See `Translator.translate`."""
        results: list[Translation] = []
        failures = 0
        for text in texts:
            if failures >= self._config.max_failures:
                results.append(Translation(failure=Failure.GIVEN_UP))
                continue
            results.append(self._translate(text, source, target))
            failures = failures + 1 if results[-1].failure is not None else 0
        return results

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def _translate(self, text: str, source: str, target: str) -> Translation:
        settings = self._config.http
        asked = {
            **self._fields,
            settings.text_field: text,
            settings.source_field: source,
            settings.target_field: target,
        }
        for attempt in range(settings.retries + 1):
            if attempt:
                time.sleep(settings.retry_wait_s * 2 ** (attempt - 1))
            try:
                status, content = self._ask(asked, _most(text, self._config.max_answer_growth))
            except httpx.TimeoutException:
                return Translation(failure=Failure.TIMED_OUT)
            except httpx.HTTPError:
                status, content = 0, None
                continue
            if status != _BUSY and status < _TROUBLE:
                break
        if status == 0:
            return Translation(failure=Failure.CRASHED)
        if status != httpx.codes.OK:
            return Translation(failure=Failure.REFUSED)
        answer = _found(content, settings.answer)
        return Translation(failure=Failure.GARBAGE) if answer is None else Translation(" ".join(answer.split()))

    def _ask(self, asked: dict[str, str], most: float) -> tuple[int, bytes | None]:
        """The status and the content of an answer; None instead of content that is too long."""
        deadline = time.monotonic() + self._config.time_limit_s
        content = bytearray()
        with self._client.stream("POST", self._config.http.url, json=asked) as answer:
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > most:
                    return answer.status_code, None
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer comes too slowly")
            return answer.status_code, bytes(content)


def _most(text: str, max_growth: float) -> float:
    return len(text) * max_growth * _ESCAPED + _SLACK_BYTES


def _found(content: bytes | None, path: Sequence[str | int]) -> str | None:
    """The text at a place in a JSON answer; None if it is not there."""
    try:
        value: Any = json.loads(content or b"")
        for step in path:
            value = value[step]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return value if isinstance(value, str) else None
