"""Back-pressure on the sending side of a stream."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition


class FlightLimit:
    """How many frames may be sent and not yet answered: a semaphore whose waiters can be sent away."""

    def __init__(self, most: int | None) -> None:
        """`most` is at least 1; None: no limit, only HTTP/2 flow control holds the sender back."""
        self._free = most
        self._changed = Condition()

    def take_off(self, ended: Callable[[], bool]) -> bool:
        """Waits for room for one more frame. False: the stream has ended, nothing more is to be sent on it."""
        with self._changed:
            self._changed.wait_for(lambda: ended() or self._free != 0)
            if ended():
                return False
            if self._free is not None:
                self._free -= 1
            return True

    def land(self) -> None:
        """One frame has been answered."""
        with self._changed:
            if self._free is not None:
                self._free += 1
            self._changed.notify()

    def wake(self) -> None:
        """Has whoever waits look whether its stream has ended."""
        with self._changed:
            self._changed.notify_all()
