"""One stream of frames and their answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Callable, Generic, TypeVar

import grpc

from .flight_limit import FlightLimit

FrameT = TypeVar("FrameT")
RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

_END: Any = object()


class Exchange(Generic[FrameT, RequestT, ResponseT]):
    """Sends frames and yields their answers.

    gRPC advances the frames in a thread of its own, one at a time and only when the one before is on its way; the
    limit keeps it from running ahead of the answers by more than it allows.
    """

    def __init__(
        self,
        frames: Iterable[FrameT],
        request: Callable[[FrameT], RequestT],
        opening: RequestT,
        limit: FlightLimit,
    ) -> None:
        """`opening` is the first message: it carries the options alone, so that mistakes in them are told even where
        there is no frame."""
        self._frames = frames
        self._request = request
        self._opening = opening
        self._limit = limit
        self._failure: Exception | None = None

    def run(self, method: grpc.StreamStreamMultiCallable) -> Iterator[ResponseT]:
        """Yields the answers in the order of the frames.

        Raises grpc.RpcError when the stream fails. What the frames raise is raised here, after the answers to the
        frames before. Leaving early cancels the stream.
        """
        call = method(self._requests())
        call.add_callback(self._limit.close)
        try:
            for response in call:
                self._limit.land()
                yield response
        finally:
            self._limit.close()
            call.cancel()
        if self._failure is not None:
            raise self._failure

    def _requests(self) -> Iterator[RequestT]:
        """Runs in gRPC's thread, which has nobody to raise to."""
        yield self._opening
        try:
            frames = iter(self._frames)
            while self._limit.take_off():
                frame = next(frames, _END)
                if frame is _END:
                    return
                yield self._request(frame)
        except Exception as error:
            self._failure = error
