"""Tests of the package against a running server, whose address is in SLUICE_SERVER.

The server has models with an input of 64x64 pixels: `spots` finds what is red, `means` embeds a picture as the mean of
its channels, red first, brought to unit length, `colors` tells each pixel red, green or blue, `kinds` a whole picture.
test/clients/packages.test.ts starts it and runs the tests.
"""

from __future__ import annotations

import os
import threading
import unittest
from collections.abc import Iterator

import cv2
import grpc
import numpy as np

from sluice_client import Box, EmbedResult, Frame, FrameInfo, RawPicture, RegionsFrame, SluiceClient

SIDE = 64
BLACK = np.zeros((SIDE, SIDE, 3), np.uint8)
REDDISH = np.full((SIDE, SIDE, 3), (200, 100, 50), np.uint8)
"""Red, green, blue."""


def code_of(frame: FrameInfo) -> str:
    return "" if frame.error is None else frame.error.code


def unit(*values: float) -> list[float]:
    return [value / np.linalg.norm(values) for value in values]


class SluiceClientTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = SluiceClient(os.environ["SLUICE_SERVER"])
        self.addCleanup(self.client.close)

    def assert_embedding(self, result: EmbedResult, expected: list[float]) -> None:
        self.assertIsNone(result.frame.error)
        np.testing.assert_allclose(result.embeddings[0].values, expected, atol=1e-3)

    def test_arrays_are_pictures_in_the_order_of_their_channels(self) -> None:
        every_other = np.zeros((2 * SIDE, 2 * SIDE, 3), np.uint8)
        every_other[::2, ::2] = REDDISH
        raw = RawPicture("rgb", SIDE, SIDE, REDDISH.tobytes())
        frames = [
            Frame(REDDISH, color="rgb"),
            REDDISH[..., ::-1],
            Frame(every_other[::2, ::2], color="rgb"),
            REDDISH[..., 0],
            Frame(raw),
        ]
        *coloured, grey, as_message = self.client.embed(frames, model="means")
        for result in (*coloured, as_message):
            self.assert_embedding(result, unit(200, 100, 50))
        self.assert_embedding(grey, unit(1, 1, 1))

    def test_regions_are_embedded_one_by_one(self) -> None:
        picture = BLACK.copy()
        picture[:, :32] = (0, 0, 255)
        picture[:, 32:] = (255, 0, 0)
        halves = [Box(left=left, top=0, right=left + 32, bottom=SIDE) for left in (0, 32)]
        [result] = self.client.embed([RegionsFrame(picture, regions=halves)], model="means")
        vectors = [list(embedding.values) for embedding in result.embeddings]
        np.testing.assert_allclose(vectors, [[1, 0, 0], [0, 0, 1]], atol=1e-3)

    def test_answers_come_in_order_with_the_errors_of_their_frames(self) -> None:
        frames = [Frame(BLACK, id="good"), Frame(b"no picture", id="bad"), Frame(BLACK, id="late", timeout=0.0), BLACK]
        results = list(self.client.detect(frames, model="spots"))
        self.assertEqual([result.frame.frame_id for result in results], ["good", "bad", "late", ""])
        self.assertEqual([result.frame.index for result in results], [0, 1, 2, 3])
        self.assertEqual([code_of(result.frame) for result in results], ["", "BAD_IMAGE", "INVALID_REQUEST", ""])

    def test_a_stream_that_fails_raises_its_status(self) -> None:
        for frames in ([BLACK], []):
            with self.assertRaises(grpc.RpcError) as caught:
                list(self.client.detect(frames, model="nothing"))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)
        with self.assertRaises(grpc.RpcError) as caught:
            list(self.client.detect([BLACK], model="spots", score_threshold=2.0))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)

    def test_no_frames_give_no_answers(self) -> None:
        self.assertEqual(list(self.client.detect([], model="spots")), [])

    def test_an_error_of_the_frames_comes_after_the_answers_before(self) -> None:
        def frames() -> Iterator[np.ndarray]:
            yield BLACK
            yield BLACK
            raise OSError("the camera is gone")

        answered = 0
        with self.assertRaisesRegex(OSError, "the camera is gone"):
            for _ in self.client.detect(frames(), model="spots"):
                answered += 1
        self.assertEqual(answered, 2)

    def test_what_is_no_picture_is_refused(self) -> None:
        cases = [
            (1, TypeError),
            ("\ud800", ValueError),
            (BLACK.astype(np.float32), ValueError),
            (BLACK[..., :2], ValueError),
        ]
        for picture, error in cases:
            with self.assertRaises(error):
                list(self.client.detect([picture], model="spots"))
        with self.assertRaises(ValueError):
            self.client.detect([BLACK], model="spots", frame_policy="newest")
        with self.assertRaises(ValueError):
            self.client.detect([BLACK], model="spots", mask_format="jpeg")
        with self.assertRaisesRegex(TypeError, "no option top_k"):
            self.client.detect([BLACK], model="spots", top_k=1)
        with self.assertRaises(ValueError):
            list(self.client.segment([RegionsFrame(BLACK, regions=[Box(0, 0, 32, 32)])]))

    def test_every_pixel_has_its_class_and_how_sure_the_model_is(self) -> None:
        picture = np.zeros((SIDE, SIDE, 3), np.uint8)
        picture[:, :48, 2] = 200
        picture[:, 48:, 0] = 100
        both, alone = (
            list(self.client.segment([picture], model="colors", probability_map=asked))[0] for asked in (True, False)
        )
        pixels = [(each.label, each.pixels) for each in both.classes]
        self.assertEqual(pixels, [("red", 48 * SIDE), ("blue", 16 * SIDE)])
        classes, sure = (
            cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
            for png in (both.class_map, both.probability_map)
        )
        np.testing.assert_array_equal(classes, np.repeat([[0] * 48 + [2] * 16], SIDE, axis=0))
        self.assertEqual((sure[32, 8], sure[32, 60]), (200, 100))
        self.assertEqual((alone.class_map, alone.probability_map), (both.class_map, b""))

    def test_a_picture_has_its_class(self) -> None:
        green = np.full((SIDE, SIDE, 3), (0, 200, 0), np.uint8)
        [result] = self.client.classify([green], model="kinds", top_k=1)
        self.assertEqual([each.label for each in result.classifications[0].classes], ["green"])

    def test_a_call_that_no_model_answers_is_told(self) -> None:
        with self.assertRaises(grpc.RpcError) as caught:
            list(self.client.classify([BLACK], model="means"))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_texts_and_regions_that_a_model_does_not_take_are_the_errors_of_their_frames(self) -> None:
        in_part = RegionsFrame(BLACK, regions=[Box(0, 0, 32, 32)])
        results = list(self.client.detect([Frame("a text"), in_part, BLACK], model="spots"))
        self.assertEqual([code_of(result.frame) for result in results], ["INVALID_REQUEST", "INVALID_REQUEST", ""])
        self.assertIn("not texts", results[0].frame.error.message)
        self.assertIn("without regions", results[1].frame.error.message)

    def test_frames_are_taken_as_answers_are(self) -> None:
        taken = 0

        def frames() -> Iterator[np.ndarray]:
            nonlocal taken
            for _ in range(10_000):
                taken += 1
                yield BLACK

        ahead = 0
        results = self.client.detect(frames(), model="spots", window=2)
        for answered, _ in enumerate(results, start=1):
            ahead = max(ahead, taken - answered)
            if answered == 100:
                break
        self.assertLessEqual(ahead, 2 * 2 + 1)

    def test_leaving_early_frees_the_thread_that_takes_the_frames(self) -> None:
        freed = threading.Event()

        def frames() -> Iterator[np.ndarray]:
            try:
                while True:
                    yield BLACK
            finally:
                freed.set()

        results = self.client.detect(frames(), model="spots")
        next(results)
        results.close()
        self.assertTrue(freed.wait(timeout=10))

    def test_live_video_is_answered_frame_by_frame_and_tells_what_was_dropped(self) -> None:
        frames = [Frame(BLACK, id=str(index)) for index in range(200)]
        results = list(self.client.detect(frames, model="spots", frame_policy="latest", window=1))
        self.assertEqual([result.frame.frame_id for result in results], [frame.id for frame in frames])
        self.assertLessEqual({code_of(result.frame) for result in results}, {"", "FRAME_DROPPED"})
        self.assertIsNone(results[-1].frame.error)

    def test_a_stream_that_takes_too_long_fails(self) -> None:
        def frames() -> Iterator[np.ndarray]:
            while True:
                yield BLACK

        with self.assertRaises(grpc.RpcError) as caught:
            for _ in self.client.detect(frames(), model="spots", deadline=0.2):
                pass
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_the_repository_is_told(self) -> None:
        models = [(model.name, model.version, model.state) for model in self.client.list_models()]
        self.assertEqual(models, [(name, "1", "READY") for name in ("colors", "kinds", "means", "spots")])

    def test_a_server_that_loads_nothing_on_demand_says_so(self) -> None:
        for change in (self.client.load_model, self.client.unload_model):
            with self.assertRaises(grpc.RpcError) as caught:
                change("spots")
            self.assertEqual(caught.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)

    def test_no_server_is_told_in_time(self) -> None:
        with self.assertRaisesRegex(ConnectionError, "no Sluice server answers at 127.0.0.1:1 within 0.1 s"):
            SluiceClient("127.0.0.1:1", connect_timeout=0.1)


if __name__ == "__main__":
    unittest.main()
