"""One stream of frames and their answers, on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING, TypeVar

import grpc.aio

from .calls import Call

if TYPE_CHECKING:
    from .frame import AnyFrame

    AnyFrames = Iterable[AnyFrame] | AsyncIterable[AnyFrame]

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
ResultT = TypeVar("ResultT")


async def exchange(
    channel: grpc.aio.Channel, call: Call[RequestT, ResponseT, ResultT], frames: AnyFrames
) -> AsyncGenerator[ResultT, None]:
    """Yields the answers in the order of the frames.

    Raises grpc.aio.AioRpcError when the stream fails. What the frames raise is raised here, after the answers to the
    frames before. Leaving early, and cancelling the task, cancel the stream.
    """
    method = channel.stream_stream(call.path, call.serialize, call.deserialize)
    stream = method(timeout=call.stream.deadline)
    most = call.stream.most_in_flight
    room = None if most is None else asyncio.Semaphore(most)

    failure: Exception | None = None

    async def send() -> None:
        nonlocal failure
        try:
            await stream.write(call.opening)
            async for frame in _each(frames):
                if room is not None:
                    await room.acquire()
                await stream.write(call.request(frame))
        except (grpc.RpcError, asyncio.InvalidStateError):
            # Why the stream ended is for its reader to tell.
            return
        except Exception as error:
            failure = error
        await stream.done_writing()

    sender = asyncio.create_task(send())
    try:
        async for response in stream:
            if room is not None:
                room.release()
            yield call.result(response)
    finally:
        stream.cancel()
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
    if failure is not None:
        raise failure


async def _each(frames: AnyFrames) -> AsyncIterator[AnyFrame]:
    if isinstance(frames, AsyncIterable):
        async for frame in frames:
            yield frame
    else:
        for frame in frames:
            yield frame
