"""Tests of the package against a running server, whose address is in SLUICE_SERVER.

The server has three models with an input of 64x64 pixels: `spots` finds what is red, `means` embeds a picture as the
mean of its channels, red first, brought to unit length, and `colors` tells each pixel red, green or blue.
test/clients/packages.test.ts starts it and runs this file. What that server cannot do is asked of a double, which keeps
what it is sent.
"""

from __future__ import annotations

import os
import threading
import unittest
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import grpc
import numpy as np

from sluice_client import Box, EmbedResponse, Frame, RawPicture, Region, RegionsFrame, SluiceClient
from sluice_client.gen.inference_pb2_grpc import InferenceServicer, add_InferenceServicer_to_server
from sluice_client.protocol import (
    MASK_FORMAT_PNG,
    MASK_FORMAT_RUN_LENGTHS,
    PIXEL_FORMAT_RGB8,
    Classification,
    ClassifyResponse,
    ClassScore,
    DetectResponse,
    FrameInfo,
)

SIDE = 64
BLACK = np.zeros((SIDE, SIDE, 3), np.uint8)
REDDISH = np.full((SIDE, SIDE, 3), (200, 100, 50), np.uint8)
"""Red, green, blue."""


def unit(*values: float) -> list[float]:
    return [value / np.linalg.norm(values) for value in values]


class SluiceClientTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = SluiceClient(os.environ["SLUICE_SERVER"])
        self.addCleanup(self.client.close)

    def assert_embedding(self, result: EmbedResponse, expected: list[float]) -> None:
        self.assertFalse(result.frame.HasField("error"), result.frame.error.message)
        np.testing.assert_allclose(result.embeddings[0].values, expected, atol=1e-3)

    def test_arrays_are_pictures_in_the_order_of_their_channels(self) -> None:
        every_other = np.zeros((2 * SIDE, 2 * SIDE, 3), np.uint8)
        every_other[::2, ::2] = REDDISH
        raw = RawPicture(format=PIXEL_FORMAT_RGB8, width=SIDE, height=SIDE, data=REDDISH.tobytes())
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
        halves = [Region(box=Box(left=left, top=0, right=left + 32, bottom=SIDE)) for left in (0, 32)]
        [result] = self.client.embed([RegionsFrame(picture, regions=halves)], model="means")
        vectors = [list(embedding.values) for embedding in result.embeddings]
        np.testing.assert_allclose(vectors, [[1, 0, 0], [0, 0, 1]], atol=1e-3)

    def test_answers_come_in_order_with_the_errors_of_their_frames(self) -> None:
        frames = [Frame(BLACK, id="good"), Frame(b"no picture", id="bad"), Frame(BLACK, id="late", timeout=0.0), BLACK]
        results = list(self.client.detect(frames, model="spots"))
        self.assertEqual([result.frame.frame_id for result in results], ["good", "bad", "late", ""])
        self.assertEqual([result.frame.index for result in results], [0, 1, 2, 3])
        self.assertEqual([result.frame.error.code for result in results], ["", "BAD_IMAGE", "INVALID_REQUEST", ""])

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
        with self.assertRaises(ValueError):
            list(self.client.segment([RegionsFrame(BLACK, regions=[Region(box=Box(right=32, bottom=32))])]))

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

    def test_a_call_that_no_model_answers_is_told(self) -> None:
        with self.assertRaises(grpc.RpcError) as caught:
            list(self.client.classify([BLACK], model="means"))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_texts_and_regions_that_a_model_does_not_take_are_the_errors_of_their_frames(self) -> None:
        in_part = RegionsFrame(BLACK, regions=[Region(box=Box(right=32, bottom=32))])
        results = list(self.client.detect([Frame("a text"), in_part, BLACK], model="spots"))
        self.assertEqual([result.frame.error.code for result in results], ["INVALID_REQUEST", "INVALID_REQUEST", ""])
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
        self.assertLessEqual({result.frame.error.code for result in results}, {"", "FRAME_DROPPED"})
        self.assertEqual(results[-1].frame.error.code, "")

    def test_no_server_is_told_in_time(self) -> None:
        with self.assertRaisesRegex(ConnectionError, "no Sluice server answers at 127.0.0.1:1 within 0.1 s"):
            SluiceClient("127.0.0.1:1", connect_timeout=0.1)


class ServerDouble(InferenceServicer):
    """Keeps the requests of its one stream and answers its frames with what a test gave it."""

    def __init__(self, answer: Any) -> None:
        self.requests: list[Any] = []
        self._answer = answer

    def Detect(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        for request in requests:
            self.requests.append(request)
            if request.HasField("frame"):
                yield self._answer

    Embed = Classify = Segment = Detect


class SentRequestsTest(unittest.TestCase):
    def connect(self, double: ServerDouble) -> SluiceClient:
        server = grpc.server(ThreadPoolExecutor(max_workers=2))
        add_InferenceServicer_to_server(double, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(None).wait())
        client = SluiceClient(f"127.0.0.1:{port}")
        self.addCleanup(client.close)
        return client

    def test_texts_and_regions_are_classified(self) -> None:
        first = Classification(classes=[ClassScore(class_id=3, label="cat", score=0.75)])
        double = ServerDouble(ClassifyResponse(frame=FrameInfo(frame_id="cat"), classifications=[first]))
        region = Region(box=Box(right=32, bottom=32))
        frames = ["Grüße", Frame("", id="empty"), RegionsFrame(BLACK, regions=[region])]
        results = list(self.connect(double).classify(frames, model="reader", top_k=2, score_threshold=0.25))
        self.assertEqual([result.classifications[0].classes[0].label for result in results], ["cat"] * 3)
        opening, text, empty, picture = double.requests
        self.assertEqual(opening.options.stream.model, "reader")
        self.assertEqual((opening.options.top_k, opening.options.score_threshold), (2, 0.25))
        self.assertEqual((text.frame.WhichOneof("content"), text.frame.text), ("text", "Grüße"))
        self.assertEqual((empty.frame.WhichOneof("content"), empty.frame.frame_id), ("text", "empty"))
        self.assertEqual((picture.frame.WhichOneof("content"), list(picture.regions)), ("raw", [region]))

    def test_what_the_model_decides_is_left_out(self) -> None:
        double = ServerDouble(ClassifyResponse())
        list(self.connect(double).classify(["a text"]))
        self.assertEqual(double.requests[0].options.top_k, 0)
        self.assertFalse(double.requests[0].options.HasField("score_threshold"))

    def test_masks_and_the_picture_that_was_drawn_into_come_as_they_are_asked_for(self) -> None:
        double = ServerDouble(DetectResponse(annotated=b"a JPEG"))
        client = self.connect(double)
        region = Region(box=Box(right=32, bottom=32))
        [result] = client.detect([RegionsFrame(BLACK, regions=[region])], mask_format="png", annotate=True)
        self.assertEqual(result.annotated, b"a JPEG")
        list(client.detect([]))
        asked, frame, default = double.requests
        self.assertEqual((asked.options.mask_format, asked.options.annotate), (MASK_FORMAT_PNG, True))
        self.assertEqual(list(frame.regions), [region])
        self.assertEqual((default.options.mask_format, default.options.annotate), (MASK_FORMAT_RUN_LENGTHS, False))

    def test_texts_are_embedded(self) -> None:
        double = ServerDouble(EmbedResponse())
        list(self.connect(double).embed(["a text"]))
        self.assertEqual(double.requests[1].frame.text, "a text")


if __name__ == "__main__":
    unittest.main()
