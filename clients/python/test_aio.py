"""Tests of the asyncio client against the running server of test_sluice_client.py."""

from __future__ import annotations

import asyncio
import contextlib
import os
import unittest
from collections.abc import AsyncIterator, Iterator

import grpc
import numpy as np

from sluice_client import AsyncSluiceClient, Frame

BLACK = np.zeros((64, 64, 3), np.uint8)


class AsyncSluiceClientTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.client = await AsyncSluiceClient.connect(os.environ["SLUICE_SERVER"])
        self.addAsyncCleanup(self.client.close)

    async def test_answers_come_in_order_with_the_errors_of_their_frames(self) -> None:
        async def frames() -> AsyncIterator[Frame | np.ndarray]:
            for frame in (Frame(BLACK, id="good"), Frame(b"no picture", id="bad"), BLACK):
                await asyncio.sleep(0)
                yield frame

        results = [result async for result in self.client.detect(frames(), model="spots")]
        self.assertEqual([result.frame.frame_id for result in results], ["good", "bad", ""])
        self.assertEqual(
            [result.frame.error and result.frame.error.code for result in results], [None, "BAD_IMAGE", None]
        )

    async def test_every_call_answers_frames_of_a_list_as_well(self) -> None:
        blue = BLACK.copy()
        blue[..., 0] = 255
        [embedded] = [result async for result in self.client.embed([blue], model="means")]
        np.testing.assert_allclose(embedded.embeddings[0].values, [0, 0, 1], atol=1e-3)
        [segmented] = [result async for result in self.client.segment([blue], model="colors")]
        self.assertEqual([each.label for each in segmented.classes], ["blue"])
        [classified] = [result async for result in self.client.classify([blue], model="kinds", top_k=1)]
        self.assertEqual([each.label for each in classified.classifications[0].classes], ["blue"])
        with self.assertRaises(grpc.RpcError) as caught:
            [result async for result in self.client.classify([blue], model="means")]
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    async def test_streams_run_side_by_side(self) -> None:
        async def count() -> int:
            return len([result async for result in self.client.detect([BLACK] * 50, model="spots")])

        self.assertEqual(await asyncio.gather(*(count() for _ in range(4))), [50] * 4)

    async def test_a_stream_that_fails_raises_its_status(self) -> None:
        for frames in ([BLACK], []):
            with self.assertRaises(grpc.RpcError) as caught:
                [result async for result in self.client.detect(frames, model="nothing")]
            self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    async def test_an_error_of_the_frames_comes_after_the_answers_before(self) -> None:
        def frames() -> Iterator[np.ndarray]:
            yield BLACK
            yield BLACK
            raise OSError("the camera is gone")

        answered = 0
        with self.assertRaisesRegex(OSError, "the camera is gone"):
            async for _ in self.client.detect(frames(), model="spots"):
                answered += 1
        self.assertEqual(answered, 2)

    async def test_frames_are_taken_as_answers_are_and_no_more_when_the_loop_is_left(self) -> None:
        taken = 0
        closed = asyncio.Event()

        async def frames() -> AsyncIterator[np.ndarray]:
            nonlocal taken
            try:
                while True:
                    taken += 1
                    yield BLACK
            finally:
                closed.set()

        ahead = answered = 0
        async with contextlib.aclosing(self.client.detect(frames(), model="spots", window=2)) as results:
            async for _ in results:
                answered += 1
                ahead = max(ahead, taken - answered)
                if answered == 100:
                    break
        self.assertLessEqual(ahead, 2 * 2 + 1)
        await asyncio.wait_for(closed.wait(), timeout=10)

    async def test_a_task_that_is_cancelled_ends_its_stream(self) -> None:
        started = asyncio.Event()
        closed = asyncio.Event()

        async def frames() -> AsyncIterator[np.ndarray]:
            try:
                while True:
                    yield BLACK
            finally:
                closed.set()

        async def watch() -> None:
            async for _ in self.client.detect(frames(), model="spots"):
                started.set()

        task = asyncio.create_task(watch())
        await started.wait()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(closed.wait(), timeout=10)

    async def test_a_stream_that_takes_too_long_fails(self) -> None:
        async def frames() -> AsyncIterator[np.ndarray]:
            while True:
                yield BLACK

        with self.assertRaises(grpc.RpcError) as caught:
            async for _ in self.client.detect(frames(), model="spots", deadline=0.2):
                pass
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    async def test_the_repository_is_told(self) -> None:
        models = [(model.name, model.state) for model in await self.client.list_models()]
        self.assertEqual(models, [(name, "READY") for name in ("colors", "kinds", "means", "spots")])
        for change in (self.client.load_model, self.client.unload_model):
            with self.assertRaises(grpc.RpcError) as caught:
                await change("spots")
            self.assertEqual(caught.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)

    async def test_no_server_is_told_in_time(self) -> None:
        with self.assertRaisesRegex(ConnectionError, "no Sluice server answers at 127.0.0.1:1 within 0.1 s"):
            await AsyncSluiceClient.connect("127.0.0.1:1", connect_timeout=0.1)


if __name__ == "__main__":
    unittest.main()
