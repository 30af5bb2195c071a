"""`headrace clean` removes by rule, and never what a run could use."""

import pytest

from pipeline import locks, removal
from schemas.errors import BusyError
from schemas.home import Home


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    for number in range(removal.KEPT_RUNS + 3):
        (home.runs / f"20250101-{number:06d}").mkdir(parents=True)
    for path in (home.downloads, home.ingested, home.served / "m" / "1"):
        path.mkdir(parents=True)
        (path / "file").write_bytes(b"12345")
    return home


def test_only_the_oldest_runs_go_and_the_last_stay(home):
    plan = removal.plan(home)
    assert [path.name for path in plan.paths] == [f"20250101-{number:06d}" for number in range(3)]
    removal.remove(home, plan)
    assert len(list(home.runs.iterdir())) == removal.KEPT_RUNS
    assert not removal.plan(home).paths
    assert (home.served / "m" / "1" / "file").exists()
    assert (home.downloads / "file").exists()


def test_caches_go_only_when_asked(home):
    removal.remove(home, removal.plan(home, cache=True))
    assert not home.downloads.exists()
    assert not home.ingested.exists()
    assert (home.served / "m" / "1" / "file").exists()


def test_everything_goes_when_asked_read_only_versions_too(home):
    (home.served / "m" / "1" / "file").chmod(0o444)
    (home.served / "m" / "1").chmod(0o555)
    plan = removal.plan(home, everything=True)
    assert plan.bytes >= 15
    removal.remove(home, plan)
    assert not home.root.exists()


def test_nothing_is_removed_under_a_run_at_work(home):
    plan = removal.plan(home)
    with locks.HomeLock(home, ("headrace", "run")), pytest.raises(BusyError, match="at work"):
        removal.remove(home, plan)
    assert len(list(home.runs.iterdir())) == removal.KEPT_RUNS + 3


def test_an_empty_home_is_already_clean(tmp_path):
    home = Home(tmp_path / "none")
    plan = removal.plan(home, everything=True)
    assert plan.paths == ()
    removal.remove(home, plan)
