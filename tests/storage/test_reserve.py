import os

import pytest

from hub.storage.reserve import Reserve


@pytest.fixture
def reserve(tmp_path):
    return Reserve(tmp_path, 1 << 20)


def test_the_reserve_takes_its_space_gives_it_back_and_returns(reserve):
    assert reserve.ensure()
    assert reserve.path.stat().st_size == 1 << 20
    before = reserve.path.stat().st_ino
    assert reserve.ensure()
    assert reserve.path.stat().st_ino == before

    reserve.release()
    assert reserve.is_released
    assert not reserve.path.exists()
    reserve.release()
    assert reserve.ensure()
    assert not reserve.is_released


def test_a_reserve_that_was_cut_short_is_made_whole(reserve):
    reserve.path.write_bytes(b"x")
    assert reserve.ensure()
    assert reserve.path.stat().st_size == 1 << 20


def test_without_room_there_is_no_reserve(reserve, monkeypatch):
    monkeypatch.setattr(reserve, "size", 1 << 60)
    assert not reserve.ensure()
    assert not reserve.path.exists()


def test_a_reserve_that_cannot_be_finished_is_removed(reserve, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert not reserve.ensure()
    assert not reserve.path.exists()
