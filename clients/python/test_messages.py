"""Tests of what the package sends and how it reads answers, against a double that keeps what it is sent."""

from __future__ import annotations

import unittest
from array import array
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np

from sluice_client import (
    Box,
    ClassScore,
    FivePoints,
    Frame,
    FrameError,
    KeyPoint,
    Mask,
    Point,
    RegionsFrame,
    RotatedBox,
    SluiceClient,
    Track,
)
from sluice_client.protocol import inference, repository

PIXELS = np.zeros((4, 4, 3), np.uint8)


class ServerDouble:
    """Keeps the requests of its streams and answers their frames with what a test gave it."""

    def __init__(self, answer: Any) -> None:
        self.requests: list[Any] = []
        self.authorizations: list[str] = []
        self._answer = answer
        self._server = grpc.server(ThreadPoolExecutor(max_workers=2))
        calls = {
            name: grpc.stream_stream_rpc_method_handler(
                self._reply, getattr(inference, f"{name}Request").FromString, lambda reply: reply.SerializeToString()
            )
            for name in ("Detect", "Embed", "Classify", "Segment")
        }
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("sluice.v1.Inference", calls)])
        list_models = grpc.unary_unary_rpc_method_handler(
            self._list, None, repository.ListModelsResponse.SerializeToString
        )
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("sluice.v1.Repository", {"ListModels": list_models})]
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def _reply(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        self._note(context)
        for request in requests:
            self.requests.append(request)
            if request.HasField("frame"):
                yield self._answer

    def _list(self, request: bytes, context: grpc.ServicerContext) -> repository.ListModelsResponse:
        self._note(context)
        return repository.ListModelsResponse()

    def _note(self, context: grpc.ServicerContext) -> None:
        self.authorizations += [value for name, value in context.invocation_metadata() if name == "authorization"]


class MessagesTest(unittest.TestCase):
    def connect(self, double: ServerDouble, token: str = "") -> SluiceClient:
        self.addCleanup(double.stop)
        client = SluiceClient(f"127.0.0.1:{double.port}", token=token)
        self.addCleanup(client.close)
        return client

    def test_texts_and_regions_are_classified(self) -> None:
        first = inference.Classification(classes=[inference.ClassScore(class_id=3, label="cat", score=0.75)])
        double = ServerDouble(inference.ClassifyResponse(classifications=[first]))
        box = Box(left=1, top=2, right=3, bottom=4)
        points = FivePoints(Point(1, 2), Point(3, 2), Point(2, 3), Point(1, 4), Point(3, 4))
        frames = ["Grüße", Frame("", id="empty"), RegionsFrame(PIXELS, regions=[box, points])]
        results = list(self.connect(double).classify(frames, model="reader", top_k=2, score_threshold=0.25))
        self.assertEqual([result.classifications[0].classes for result in results], [(ClassScore(3, "cat", 0.75),)] * 3)
        opening, text, empty, picture = double.requests
        self.assertEqual(opening.options.stream.model, "reader")
        self.assertEqual((opening.options.top_k, opening.options.score_threshold), (2, 0.25))
        self.assertEqual((text.frame.WhichOneof("content"), text.frame.text), ("text", "Grüße"))
        self.assertEqual((empty.frame.WhichOneof("content"), empty.frame.frame_id), ("text", "empty"))
        first_region, second = picture.regions
        self.assertEqual(first_region.box, inference.Box(left=1, top=2, right=3, bottom=4))
        self.assertEqual(second.landmarks.left_eye, inference.Point(x=1, y=2))
        self.assertEqual(second.landmarks.right_mouth_corner, inference.Point(x=3, y=4))

    def test_a_token_goes_with_every_call_and_none_with_none(self) -> None:
        for token, expected in (("secret", ["Bearer secret"] * 2), ("", [])):
            double = ServerDouble(inference.DetectResponse())
            client = self.connect(double, token)
            list(client.detect([PIXELS]))
            self.assertEqual(client.list_models(), [])
            self.assertEqual(double.authorizations, expected)

    def test_what_the_model_decides_is_left_out(self) -> None:
        double = ServerDouble(inference.ClassifyResponse())
        list(self.connect(double).classify(["a text"]))
        self.assertEqual(double.requests[0].options.top_k, 0)
        self.assertFalse(double.requests[0].options.HasField("score_threshold"))

    def test_masks_and_the_picture_that_was_drawn_into_come_as_they_are_asked_for(self) -> None:
        double = ServerDouble(inference.DetectResponse(annotated=b"a JPEG"))
        client = self.connect(double)
        [result] = client.detect([PIXELS], mask_format="png", annotate=True)
        self.assertEqual(result.annotated, b"a JPEG")
        list(client.detect([]))
        asked, _, default = double.requests
        self.assertEqual((asked.options.mask_format, asked.options.annotate), (inference.MASK_FORMAT_PNG, True))
        self.assertEqual(
            (default.options.mask_format, default.options.annotate), (inference.MASK_FORMAT_RUN_LENGTHS, False)
        )

    def test_texts_are_embedded(self) -> None:
        double = ServerDouble(inference.EmbedResponse(embeddings=[inference.Embedding(values=[0.5, 0.25])]))
        [result] = self.connect(double).embed(["a text"])
        self.assertEqual(double.requests[1].frame.text, "a text")
        self.assertEqual(result.embeddings[0].values, array("f", [0.5, 0.25]))
        self.assertEqual(np.asarray(result.embeddings[0].values).dtype, np.float32)

    def test_everything_of_a_detection_is_told(self) -> None:
        box = inference.Box(left=1, top=2, right=3, bottom=4)
        failure = inference.FrameError(status=14, code="QUEUE_FULL", message="later", retryable=True)
        track = inference.Track(
            id=7, state=inference.TRACK_STATE_CONFIRMED, age=5, hits=4, frames_since_seen=1, predicted_box=box
        )
        detection = inference.Detection(
            box=box,
            class_id=2,
            label="person",
            score=0.5,
            landmarks=[inference.Point(x=1, y=2)],
            key_points=[inference.KeyPoint(x=3, y=4, score=0.25)],
            rotated_box=inference.RotatedBox(center=inference.Point(x=2, y=3), width=4, height=2, angle=0.5),
            mask=inference.Mask(width=4, height=2, run_lengths=inference.RunLengths(counts=[3, 5])),
            track=track,
            embedding=inference.Embedding(values=[1]),
            error=failure,
        )
        stage = inference.Stage(name="find", model_name="faces", model_version="3", regions=2, error=failure)
        answer = inference.DetectResponse(detections=[detection], stages=[stage], unseen_tracks=[track])
        [result] = self.connect(ServerDouble(answer)).detect([PIXELS])
        [found] = result.detections
        error = FrameError(14, "QUEUE_FULL", "later", True)
        self.assertEqual((found.box, found.class_id, found.label, found.score), (Box(1, 2, 3, 4), 2, "person", 0.5))
        self.assertEqual((found.landmarks, found.key_points), ((Point(1, 2),), (KeyPoint(3, 4, 0.25),)))
        self.assertEqual(found.rotated_box, RotatedBox(Point(2, 3), 4, 2, 0.5))
        self.assertEqual(found.mask, Mask(4, 2, array("I", [3, 5]), None))
        self.assertEqual(found.track, Track(7, True, 5, 4, 1, Box(1, 2, 3, 4)))
        self.assertEqual(found.embedding.values, array("f", [1]))
        self.assertEqual((found.classification, found.error), (None, error))
        self.assertEqual((result.stages[0].name, result.stages[0].regions, result.stages[0].error), ("find", 2, error))
        self.assertEqual(result.unseen_tracks, (found.track,))

    def test_what_a_detection_has_not_is_none(self) -> None:
        [result] = self.connect(ServerDouble(inference.DetectResponse(detections=[inference.Detection()]))).detect(
            [b""]
        )
        [found] = result.detections
        for part in (found.rotated_box, found.mask, found.track, found.embedding, found.classification, found.error):
            self.assertIsNone(part)


if __name__ == "__main__":
    unittest.main()
