"""One stream of frames and their answers, on an event loop.

gRPC runs in threads of its own, as for the client without a loop: grpc.aio loses the status of a stream that ends while
something is written to it (grpc/grpc issue 36066).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from .calls import Call
from .exchange import Exchange

if TYPE_CHECKING:
    from .frame import AnyFrame

    AnyFrames = Iterable[AnyFrame] | AsyncIterable[AnyFrame]

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
ResultT = TypeVar("ResultT")

_END: Any = object()


async def exchange(
    channel: grpc.Channel, call: Call[RequestT, ResponseT, ResultT], frames: AnyFrames
) -> AsyncGenerator[ResultT, None]:
    """Yields the answers in the order of the frames.

    Raises grpc.RpcError when the stream fails. What the frames raise is raised here, after the answers to the frames
    before. Leaving early, and cancelling the task, cancel the stream.
    """
    feed: _Feed | None = None
    if isinstance(frames, AsyncIterable):
        frames = feed = _Feed(frames)
    stream = Exchange(call, frames)
    answers = stream.run(channel)
    thread = ThreadPoolExecutor(1, "sluice-answers")
    try:
        loop = asyncio.get_running_loop()
        while (result := await loop.run_in_executor(thread, next, answers, _END)) is not _END:
            yield result
    finally:
        stream.cancel()
        thread.shutdown(wait=False)
        if feed is not None:
            await feed.close()


class _Feed:
    """Asynchronous frames for gRPC's thread, which waits while the event loop brings the next one."""

    def __init__(self, frames: AsyncIterable[AnyFrame]) -> None:
        self._loop = asyncio.get_running_loop()
        self._source = aiter(frames)
        self._step: asyncio.Task[Any] | None = None
        self._closed = False

    def __iter__(self) -> Iterator[AnyFrame]:
        return self

    def __next__(self) -> AnyFrame:
        frame: AnyFrame = asyncio.run_coroutine_threadsafe(self._take(), self._loop).result()
        if frame is _END:
            raise StopIteration
        return frame

    async def close(self) -> None:
        """Ends the frames where they are."""
        self._closed = True
        if self._step is not None:
            self._step.cancel()
            await asyncio.wait([self._step])
        if isinstance(self._source, AsyncGenerator):
            await self._source.aclose()

    async def _take(self) -> Any:
        if self._closed:
            return _END
        self._step = asyncio.current_task()
        return await anext(self._source, _END)
