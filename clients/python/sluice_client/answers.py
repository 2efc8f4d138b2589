"""Messages of answers as results."""

from __future__ import annotations

from array import array

from .geometry import box_of, point_of, rotated_box_of
from .protocol import inference
from .results import (
    Classification,
    ClassifyResult,
    ClassScore,
    Detection,
    DetectResult,
    Embedding,
    EmbedResult,
    FrameError,
    FrameInfo,
    KeyPoint,
    Mask,
    SegmentedClass,
    SegmentResult,
    Stage,
    Timings,
    Track,
)


def detect_result(message: inference.DetectResponse) -> DetectResult:
    return DetectResult(
        frame=_frame_info(message.frame),
        detections=tuple(map(_detection, message.detections)),
        annotated=message.annotated,
        stages=tuple(map(_stage, message.stages)),
        unseen_tracks=tuple(map(_track, message.unseen_tracks)),
    )


def embed_result(message: inference.EmbedResponse) -> EmbedResult:
    return EmbedResult(_frame_info(message.frame), tuple(map(_embedding, message.embeddings)))


def classify_result(message: inference.ClassifyResponse) -> ClassifyResult:
    return ClassifyResult(_frame_info(message.frame), tuple(map(_classification, message.classifications)))


def segment_result(message: inference.SegmentResponse) -> SegmentResult:
    return SegmentResult(
        frame=_frame_info(message.frame),
        class_map=message.class_map,
        probability_map=message.probability_map,
        classes=tuple(SegmentedClass(each.class_id, each.label, each.pixels) for each in message.classes),
    )


def _frame_info(message: inference.FrameInfo) -> FrameInfo:
    return FrameInfo(
        frame_id=message.frame_id,
        index=message.index,
        model_name=message.model_name,
        model_version=message.model_version,
        width=message.width,
        height=message.height,
        timings=_timings(message.timings),
        error=_frame_error(message.error) if message.HasField("error") else None,
    )


def _frame_error(message: inference.FrameError) -> FrameError:
    return FrameError(message.status, message.code, message.message, message.retryable)


def _timings(message: inference.Timings) -> Timings:
    return Timings(
        queue_us=message.queue_us,
        decode_us=message.decode_us,
        preprocess_us=message.preprocess_us,
        infer_us=message.infer_us,
        postprocess_us=message.postprocess_us,
        total_us=message.total_us,
        batch_size=message.batch_size,
    )


def _detection(message: inference.Detection) -> Detection:
    return Detection(
        box=box_of(message.box),
        class_id=message.class_id,
        label=message.label,
        score=message.score,
        landmarks=tuple(map(point_of, message.landmarks)),
        key_points=tuple(KeyPoint(each.x, each.y, each.score) for each in message.key_points),
        rotated_box=rotated_box_of(message.rotated_box) if message.HasField("rotated_box") else None,
        mask=_mask(message.mask) if message.HasField("mask") else None,
        track=_track(message.track) if message.HasField("track") else None,
        embedding=_embedding(message.embedding) if message.HasField("embedding") else None,
        classification=_classification(message.classification) if message.HasField("classification") else None,
        error=_frame_error(message.error) if message.HasField("error") else None,
    )


def _mask(message: inference.Mask) -> Mask:
    png = message.HasField("png")
    return Mask(
        width=message.width,
        height=message.height,
        run_lengths=None if png else array("I", message.run_lengths.counts),
        png=message.png if png else None,
    )


def _track(message: inference.Track) -> Track:
    return Track(
        id=message.id,
        confirmed=message.state == inference.TRACK_STATE_CONFIRMED,
        age=message.age,
        hits=message.hits,
        frames_since_seen=message.frames_since_seen,
        predicted_box=box_of(message.predicted_box) if message.HasField("predicted_box") else None,
    )


def _embedding(message: inference.Embedding) -> Embedding:
    return Embedding(array("f", message.values), _frame_error(message.error) if message.HasField("error") else None)


def _classification(message: inference.Classification) -> Classification:
    return Classification(
        classes=tuple(ClassScore(each.class_id, each.label, each.score) for each in message.classes),
        error=_frame_error(message.error) if message.HasField("error") else None,
    )


def _stage(message: inference.Stage) -> Stage:
    return Stage(
        name=message.name,
        model_name=message.model_name,
        model_version=message.model_version,
        regions=message.regions,
        timings=_timings(message.timings),
        error=_frame_error(message.error) if message.HasField("error") else None,
    )
