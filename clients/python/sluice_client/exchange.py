"""One stream of frames and their answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

import grpc

from .calls import Call
from .flight_limit import FlightLimit

if TYPE_CHECKING:
    from .frame import AnyFrame

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
ResultT = TypeVar("ResultT")


class Exchange(Generic[RequestT, ResponseT, ResultT]):
    """Sends frames and yields their answers.

    gRPC advances the frames in a thread of its own, one at a time and only when the one before is on its way; the
    limit keeps it from running ahead of the answers by more than it allows.
    """

    def __init__(self, call: Call[RequestT, ResponseT, ResultT], frames: Iterable[AnyFrame]) -> None:
        self._call = call
        self._frames = frames
        self._limit = FlightLimit(call.stream.most_in_flight)
        self._failure: Exception | None = None
        self._cancel: Callable[[], object] | None = None

    def run(self, channel: grpc.Channel) -> Generator[ResultT, None, None]:
        """Yields the answers in the order of the frames.

        Raises grpc.RpcError when the stream fails. What the frames raise is raised here, after the answers to the
        frames before. Leaving early cancels the stream.
        """
        call = self._call
        method = channel.stream_stream(call.path, call.serialize, call.deserialize)
        stream = method(self._requests(), timeout=call.stream.deadline)
        stream.add_callback(self._limit.close)
        self._cancel = stream.cancel
        try:
            for response in stream:
                self._limit.land()
                yield call.result(response)
        finally:
            self.cancel()
        if self._failure is not None:
            raise self._failure

    def cancel(self) -> None:
        """Ends the stream, from any thread."""
        self._limit.close()
        if self._cancel is not None:
            self._cancel()

    def _requests(self) -> Iterator[RequestT]:
        """Runs in gRPC's thread, which has nobody to raise to."""
        yield self._call.opening
        try:
            frames = iter(self._frames)
            while self._limit.take_off():
                try:
                    frame = next(frames)
                except StopIteration:
                    return
                yield self._call.request(frame)
        except Exception as error:
            self._failure = error
