"""The frames of a stream on their way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .calls import Call
from .flight_limit import FlightLimit

if TYPE_CHECKING:
    from .frame import AnyFrame

RequestT = TypeVar("RequestT")

_MOST_KEPT = 128
"""Frames that are kept to be sent again. Live video, which waits for no answers, may have more than that on their way."""


class Outbox(Generic[RequestT]):
    """Turns frames into requests, and keeps these until the first answer: an attempt of the stream that fails before that is
    followed by one that sends them again, in order.

    The limit keeps the frames from running ahead of the answers by more than it allows.
    """

    def __init__(self, call: Call[RequestT, Any, Any], frames: Iterable[AnyFrame]) -> None:
        self.failure: Exception | None = None
        """What the frames have raised."""
        self.complete = True
        """Whether all that was sent is still here."""
        self._call = call
        self._frames = frames
        self._source: Iterator[AnyFrame] | None = None
        self._limit = FlightLimit(call.stream.most_in_flight)
        self._requests: list[RequestT] = []
        """Those that are kept; once it is not complete any more, those that are still to be sent."""
        self._exhausted = False
        self._taking = Lock()
        """Frames are taken by one attempt at a time: that of one that has failed may still wait for a frame."""

    def open(self) -> Sending[RequestT]:
        """The requests of another attempt, from the first on."""
        return Sending(self, self._limit)

    def answered(self) -> None:
        """A frame has been answered: nothing is sent again."""
        self.complete = False
        self._limit.land()

    def next(self, index: int, ended: Event) -> RequestT | None:
        """The request after so many; None: there is none, or the attempt has ended."""
        while index >= len(self._requests):
            with self._taking:
                # Another attempt may have taken it.
                if index < len(self._requests):
                    break
                if self._exhausted or ended.is_set() or not self._limit.take_off(ended.is_set):
                    return None
                self._take()
        # Of an attempt that has ended, others may be done with what it was about to send.
        return None if ended.is_set() else self._requests[index]

    def sent(self, count: int) -> int:
        """So many have been sent; what is not kept goes. Returns how many of those are still here."""
        if len(self._requests) > _MOST_KEPT:
            self.complete = False
        if self.complete:
            return count
        del self._requests[:count]
        return 0

    def _take(self) -> None:
        try:
            if self._source is None:
                self._source = iter(self._frames)
            self._requests.append(self._call.request(next(self._source)))
        except StopIteration:
            self._exhausted = True
        except Exception as error:
            # This is gRPC's thread, which has nobody to raise to.
            self.failure = error
            self._exhausted = True


class Sending(Generic[RequestT]):
    """The requests of one attempt, for gRPC's thread."""

    def __init__(self, outbox: Outbox[RequestT], limit: FlightLimit) -> None:
        self._outbox = outbox
        self._limit = limit
        self._count = 0
        self._ended = Event()

    def __iter__(self) -> Iterator[RequestT]:
        return self

    def __next__(self) -> RequestT:
        if self._ended.is_set():
            raise StopIteration
        self._count = self._outbox.sent(self._count)
        request = self._outbox.next(self._count, self._ended)
        if request is None:
            raise StopIteration
        self._count += 1
        return request

    def end(self) -> None:
        """The attempt has ended: nothing more is taken for it."""
        self._ended.set()
        self._limit.wake()
