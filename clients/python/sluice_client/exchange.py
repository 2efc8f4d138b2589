"""One stream of frames and their answers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from threading import Event
from typing import TYPE_CHECKING, Generic, TypeVar

import grpc

from .calls import Call
from .outbox import Outbox

if TYPE_CHECKING:
    from .frame import AnyFrame

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
ResultT = TypeVar("ResultT")

_PAUSES = (0.1, 0.2, 0.4)
"""Seconds, at most, before a stream that nothing has been answered on is tried again."""


class Exchange(Generic[RequestT, ResponseT, ResultT]):
    """Sends frames and yields their answers.

    gRPC advances the frames in a thread of its own, one at a time and only when the one before is on its way. Trying
    again is not left to it: seen with 1.51 and 1.85, it crashes over streams whose frames do not fit its buffer.
    """

    def __init__(self, call: Call[RequestT, ResponseT, ResultT], frames: Iterable[AnyFrame]) -> None:
        self._call = call
        self._outbox = Outbox(call, frames)
        self._cancelled = Event()
        self._cancel: Callable[[], object] | None = None

    def run(self, channel: grpc.Channel) -> Generator[ResultT, None, None]:
        """Yields the answers in the order of the frames.

        Raises grpc.RpcError when the stream fails; with UNAVAILABLE before its first answer it is tried again first.
        What the frames raise is raised here, after the answers to the frames before. Leaving early cancels the stream.
        """
        deadline = self._call.stream.deadline
        end = None if deadline is None else time.monotonic() + deadline
        pauses = iter(_PAUSES)
        try:
            while True:
                try:
                    yield from self._attempt(channel, None if end is None else end - time.monotonic())
                    break
                except grpc.RpcError as error:
                    if error.code() != grpc.StatusCode.UNAVAILABLE or not self._outbox.complete:
                        raise
                    longest = next(pauses, None)
                    if longest is None or self._cancelled.wait(random.uniform(0, longest)):
                        raise
                    if end is not None and time.monotonic() >= end:
                        raise
        finally:
            self.cancel()
        if self._outbox.failure is not None:
            raise self._outbox.failure

    def cancel(self) -> None:
        """Ends the stream, from any thread."""
        self._cancelled.set()
        if self._cancel is not None:
            self._cancel()

    def _attempt(self, channel: grpc.Channel, timeout: float | None) -> Generator[ResultT, None, None]:
        call = self._call
        method = channel.stream_stream(call.path, call.serialize, call.deserialize)
        sending = self._outbox.open()
        stream = method(self._messages(sending), timeout=timeout)
        stream.add_callback(sending.end)
        self._cancel = stream.cancel
        if self._cancelled.is_set():
            stream.cancel()
        try:
            for response in stream:
                self._outbox.answered()
                yield call.result(response)
        finally:
            # The callback may come later than the error.
            sending.end()

    def _messages(self, requests: Iterator[RequestT]) -> Iterator[RequestT]:
        yield self._call.opening
        yield from requests
