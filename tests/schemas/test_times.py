import datetime
import importlib.resources
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.times import DoubtfulTimeError, LocalTimes, known_zone

UTC = datetime.timezone.utc
# An hour, half an hour, winter time as the exception, a month of Ramadan, a skipped day, a quarter of an hour, none.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "UTC",
)
INSTANTS = st.datetimes(
    datetime.datetime(1971, 1, 1), datetime.datetime(2025, 12, 31), timezones=st.just(UTC), allow_imaginary=False
)


def turns(zone):
    """The instants at which the clocks of a zone were turned, to the minute."""
    step = datetime.timedelta(days=1)
    at, end = datetime.datetime(1971, 1, 1, tzinfo=UTC), datetime.datetime(2025, 12, 31, tzinfo=UTC)
    offset = at.astimezone(zone).utcoffset()
    while at < end:
        following = (at + step).astimezone(zone).utcoffset()
        if following != offset:
            low, high = at, at + step
            while high - low > datetime.timedelta(minutes=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == offset else (low, middle)
            yield high
        offset = following
        at += step


TURNS = {name: tuple(turns(zoneinfo.ZoneInfo(name))) for name in ZONES}


@st.composite
def instants(draw):
    """A zone and an instant, often near one at which its clocks were turned."""
    name = draw(st.sampled_from(ZONES))
    if TURNS[name] and draw(st.booleans()):
        near = st.timedeltas(datetime.timedelta(hours=-3), datetime.timedelta(hours=3))
        return name, draw(st.sampled_from(TURNS[name])) + draw(near)
    return name, draw(INSTANTS)


@given(instants())
def test_what_a_clock_shows_leads_back_to_its_instant(given_):
    name, instant = given_
    shown = instant.astimezone(zoneinfo.ZoneInfo(name))
    earlier, later = (LocalTimes(name, rule).to_utc(shown.replace(tzinfo=None)) for rule in ("earlier", "later"))
    assert instant == (later if shown.fold else earlier)
    assert {earlier, later} == {shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    if earlier == later:
        assert LocalTimes(name).to_utc(shown.replace(tzinfo=None)) == instant
    else:
        assert earlier < later
        with pytest.raises(DoubtfulTimeError, match=f"comes twice in {name}"):
            LocalTimes(name).to_utc(shown.replace(tzinfo=None))


@given(instants())
def test_a_time_that_never_came_is_refused_or_moved_forward_by_as_much_as_the_clocks(given_):
    name, instant = given_
    zone = zoneinfo.ZoneInfo(name)
    local = instant.replace(tzinfo=None)  # any time at all, near where the clocks were turned
    before, after = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    moved = LocalTimes(name, "earlier", "forward").to_utc(local)
    never = moved.astimezone(zone).replace(tzinfo=None) != local
    assert never == (before.utcoffset() < after.utcoffset())
    if never:
        assert moved.astimezone(zone).replace(tzinfo=None) == local + (after.utcoffset() - before.utcoffset())
        with pytest.raises(DoubtfulTimeError, match=f"never comes in {name}"):
            LocalTimes(name, "earlier").to_utc(local)


@pytest.mark.parametrize(
    ("zone", "local", "rules", "expected"),
    [
        ("Europe/Berlin", "2024-07-01T12:00", (), "2024-07-01T10:00"),
        ("Europe/Berlin", "2024-01-01T12:00", (), "2024-01-01T11:00"),
        ("Europe/Berlin", "2024-10-27T02:30", ("earlier",), "2024-10-27T00:30"),
        ("Europe/Berlin", "2024-10-27T02:30", ("later",), "2024-10-27T01:30"),
        ("Europe/Berlin", "2024-10-27T01:59:59.999999", (), "2024-10-26T23:59:59.999999"),
        ("Europe/Berlin", "2024-10-27T03:00", (), "2024-10-27T02:00"),
        ("Europe/Berlin", "2024-03-31T02:30", ("refuse", "forward"), "2024-03-31T01:30"),
        ("Europe/Berlin", "2024-03-31T03:00", (), "2024-03-31T01:00"),
        ("Australia/Lord_Howe", "2024-04-07T01:45", ("later",), "2024-04-06T15:15"),
        ("Pacific/Apia", "2011-12-30T12:00", ("refuse", "forward"), "2011-12-30T22:00"),
        ("UTC", "2024-03-31T02:30", (), "2024-03-31T02:30"),
    ],
)
def test_times_that_are_known(zone, local, rules, expected):
    moment = LocalTimes(zone, *rules).to_utc(datetime.datetime.fromisoformat(local))
    assert moment == datetime.datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_fold_does_not_override_the_rule():
    local = datetime.datetime(2024, 10, 27, 2, 30, fold=1)
    assert LocalTimes("Europe/Berlin", "earlier").to_utc(local).hour == 0


@pytest.mark.parametrize("name", ["", "Europe", "Mars/Olympus", "../Europe/Berlin", "Europe/Berlin\n", "localtime"])
def test_a_name_that_is_no_zone_is_refused(name):
    with pytest.raises(ValueError, match="is no time zone"):
        known_zone(name)


def test_a_misspelt_zone_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean `Europe/Berlin`"):
        known_zone("europe/berlin")


def test_every_zone_can_be_read():
    for name in importlib.resources.files("tzdata").joinpath("zones").read_text().split():
        assert LocalTimes(name).to_utc(datetime.datetime(2024, 5, 1, 12)).tzinfo is UTC
