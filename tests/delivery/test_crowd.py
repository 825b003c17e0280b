"""A crowd of destinations, of which one hangs and one fails; the benchmark's run, scaled down."""

from __future__ import annotations

from benchmarks.deliveries import crowd


def test_a_crowd_of_which_two_are_broken_loses_nothing_and_doubles_nothing():
    """The good ones get everything once, in a fraction of the time for which one of them hangs."""
    found = crowd(destinations=12, events=60, hang=4.0)

    assert (found["lost"], found["doubled"]) == (0, 0)
    assert found["messages"] == 10 * 60
    assert found["waiting"] == {"hangs": 60, "fails": 60}
    assert found["attempts"] == {"hangs": 1, "fails": 3}
    assert found["others"] < found["took"]


def test_memory_does_not_grow_with_what_is_delivered(tmp_path):
    """Three times the events take the memory of one batch, as before."""
    few, many = (
        crowd(
            destinations=4,
            events=events,
            broken=False,
            traced=True,
            storage=f"sqlite:///{tmp_path / str(events)}.db",
        )
        for events in (200, 600)
    )

    assert many["messages"] == 3 * few["messages"] == 2 * 600
    assert many["peak"] < 1.5 * few["peak"]
