"""A translator behind an address: a real server that answers, and one that does not as it should."""

import http.server
import json
import logging
import threading
import time

import pytest

from components.augmentation.back_translation.config import BackTranslation, HttpSettings
from components.augmentation.back_translation.http_service import HttpTranslator
from components.augmentation.back_translation.translators import Failure
from schemas.errors import ConfigError


class _Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, asked, self.headers.get("X-Key")))
        text = asked["q"]
        busy_before = sum(each[1]["q"] == text for each in self.server.asked) <= 2
        if "hang" in text:
            time.sleep(3)
        status = 500 if "trouble" in text or ("busy" in text and busy_before) else 403 if "forbidden" in text else 200
        if "elsewhere" in text:
            self.send_response(307)
            self.send_header("Location", "/other")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        answer = json.dumps({"translatedText": text.upper(), "deep": [{"text": "found"}]}).encode()
        if "garbage" in text:
            answer = b"<html>\xff"
        if "other" in text:
            answer = b'{"translatedText": ["no text"]}'
        if "endless" in text:
            answer = json.dumps({"translatedText": "x" * 1_000_000}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        for piece in [bytes([byte]) for byte in answer] if "slow" in text else [answer]:
            try:
                self.wfile.write(piece)
            except OSError:
                return
            time.sleep(0.2 if "slow" in text else 0)

    def log_message(self, *arguments):
        pass


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that went away is what is tested here, and no news."""


@pytest.fixture
def service():
    server = _Server(("127.0.0.1", 0), _Service)
    server.asked = []
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def configured(service, **settings):
    url = f"http://127.0.0.1:{service.server_address[1]}/translate"
    return BackTranslation(
        translator="http", time_limit_s=1.0, http=HttpSettings(url=url, retry_wait_s=0.01, **settings)
    )


def translations(config, *texts):
    translator = HttpTranslator(config)
    try:
        return translator.translate(texts, "en", "es")
    finally:
        translator.close()


def test_a_text_is_asked_for_and_read_by_the_names_of_the_configuration(service):
    [answer] = translations(configured(service), "hello")
    assert answer.text == "HELLO"
    assert service.asked == [("/translate", {"q": "hello", "source": "en", "target": "es", "format": "text"}, None)]
    [answer] = translations(configured(service, answer=("deep", 0, "text"), fields={}), "hello")
    assert answer.text == "found"


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("hang", Failure.TIMED_OUT),
        ("slow", Failure.TIMED_OUT),
        ("garbage", Failure.GARBAGE),
        ("other", Failure.GARBAGE),
        ("endless", Failure.GARBAGE),
        ("trouble", Failure.REFUSED),
        ("forbidden", Failure.REFUSED),
        ("elsewhere", Failure.REFUSED),
    ],
)
def test_a_bad_answer_is_told_and_the_next_text_is_translated(service, text, failure):
    bad, good = translations(configured(service), text, "next")
    assert (bad.failure, good.text) == (failure, "NEXT")


def test_a_service_in_trouble_is_asked_again(service):
    [answer] = translations(configured(service), "busy")
    assert answer.text == "BUSY"
    assert len(service.asked) == 3


def test_what_is_forbidden_is_not_asked_again(service):
    translations(configured(service), "forbidden")
    assert len(service.asked) == 1


def test_a_service_that_is_not_there_is_given_up(service):
    config = configured(service)
    service.shutdown()
    service.server_close()
    told = [each.failure for each in translations(config, *"abcde")]
    assert told == [Failure.CRASHED] * 3 + [Failure.GIVEN_UP] * 2


@pytest.mark.parametrize("header", [None, "X-Key"])
def test_the_key_comes_from_the_environment_and_is_told_to_nobody_else(service, header, monkeypatch, caplog):
    monkeypatch.setenv("TRANSLATOR_KEY", "s3cret")
    config = configured(service, key_variable="TRANSLATOR_KEY", key_header=header)
    with caplog.at_level(logging.DEBUG):
        translations(config, "hello", "forbidden", "trouble")
    _, asked, sent = service.asked[0]
    assert (sent if header else asked["api_key"]) == "s3cret"
    assert "s3cret" not in HttpTranslator(config).identity + repr(config) + caplog.text


def test_a_key_that_is_not_there_is_named(service, monkeypatch):
    monkeypatch.delenv("TRANSLATOR_KEY", raising=False)
    with pytest.raises(ConfigError, match="export TRANSLATOR_KEY"):
        HttpTranslator(configured(service, key_variable="TRANSLATOR_KEY"))
