"""What a PushedModel says of itself: TFX's properties and ours, written and read in this one place.

`live` is decided here and nowhere else. A push is live at once; the one pushed last, of those that are live, is the
live one.
"""

from __future__ import annotations

from tfx import types

from components.release.versions import Version

# As TFX's Pusher names them (tfx/components/pusher/executor.py).
PUSHED = "pushed"
DESTINATION = "pushed_destination"
VERSION = "pushed_version"

MODEL_ID = "model_id"
LIVE = "live"
REASON = "reason"


def mark_pushed(pushed: types.Artifact, version: Version, *, model_id: int, reason: str) -> None:
    """Says where a model was pushed to, and that it is live."""
    pushed.set_int_custom_property(PUSHED, 1)
    pushed.set_string_custom_property(DESTINATION, str(version.path))
    pushed.set_string_custom_property(VERSION, str(version.number))
    pushed.set_int_custom_property(MODEL_ID, model_id)
    pushed.set_int_custom_property(LIVE, 1)
    pushed.set_string_custom_property(REASON, reason)


def mark_refused(pushed: types.Artifact, *, model_id: int, reason: str) -> None:
    """Says that a model was not pushed, and why."""
    pushed.set_int_custom_property(PUSHED, 0)
    pushed.set_int_custom_property(MODEL_ID, model_id)
    pushed.set_int_custom_property(LIVE, 0)
    pushed.set_string_custom_property(REASON, reason)


def is_live(pushed: types.Artifact) -> bool:
    """Whether it was pushed and made live."""
    return pushed.get_int_custom_property(PUSHED) == 1 and pushed.get_int_custom_property(LIVE) == 1
