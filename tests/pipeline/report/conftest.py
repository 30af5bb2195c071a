"""A real browser that opens pages and remembers all that they ask for and complain about."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Callable, Iterator

import pytest
from playwright import sync_api


class Opened:
    """A page in the browser.

    Attributes:
        page: for Playwright's questions.
        requests: every address that was asked for.
        complaints: errors and warnings of the console, dialogs, uncaught errors.
    """

    def __init__(self, page: sync_api.Page, path: pathlib.Path):
        self.page = page
        self.address = path.absolute().as_uri()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._dialog)
        page.context.route(lambda address: address != self.address, lambda route: route.abort())
        page.goto(self.address)

    def text(self, heading: str) -> str:
        """What the section with this heading shows, spaces run together."""
        section = self.page.locator("section").filter(
            has=self.page.get_by_role("heading", level=2, name=heading, exact=True)
        )
        return " ".join(section.inner_text().split())

    def _dialog(self, dialog: sync_api.Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@pytest.fixture
def open_page(browser, tmp_path) -> Iterator[Callable[..., Opened]]:
    """Opens HTML, or a file, in a fresh context (`width`, `color_scheme`, `java_script_enabled` ...)."""
    with contextlib.ExitStack() as contexts:

        def opened(html: str | pathlib.Path, *, width: int = 1200, **options: object) -> Opened:
            if isinstance(html, str):
                path = tmp_path / "page.html"
                path.write_text(html, encoding="utf-8")
            else:
                path = html
            context = browser.new_context(viewport={"width": width, "height": 900}, **options)
            contexts.callback(context.close)
            return Opened(context.new_page(), path)

        yield opened
