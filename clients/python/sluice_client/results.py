"""What answers tell. The comments of proto/sluice/v1/inference.proto are the reference."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from .geometry import Box, Point, RotatedBox


@dataclass(frozen=True)
class FrameError:
    """Why a frame, or a part of it, has no result."""

    status: int
    """The gRPC status code that a unary call would have returned."""
    code: str
    """Stable name of the error, such as BAD_IMAGE, QUEUE_FULL or FRAME_DROPPED."""
    message: str
    """What is wrong and what to change."""
    retryable: bool
    """Whether sending the same frame again later may succeed."""


@dataclass(frozen=True)
class Timings:
    """Where the time went, in microseconds; all but `queue_us` and `total_us` are those of the batch."""

    queue_us: int
    decode_us: int
    preprocess_us: int
    infer_us: int
    postprocess_us: int
    total_us: int
    batch_size: int


@dataclass(frozen=True)
class FrameInfo:
    """What every answer tells about its frame."""

    frame_id: str
    index: int
    """Place of the frame in its stream, from 0."""
    model_name: str
    model_version: str
    """Empty when the frame failed before a version was chosen."""
    width: int
    """Of the picture, in pixels; 0 when it could not be read."""
    height: int
    timings: Timings
    error: FrameError | None
    """Set when the frame failed; there are no results then."""


@dataclass(frozen=True)
class KeyPoint:
    x: float
    y: float
    score: float
    """How sure the model is of the point, 0 to 1."""


@dataclass(frozen=True)
class Mask:
    """Which pixels of the picture, `width` by `height`, belong to an object: either `run_lengths` or a `png`."""

    width: int
    height: int
    run_lengths: array[int] | None
    """COCO's: pixels column after column, in turn outside and inside the object, outside first."""
    png: bytes | None
    """8-bit grey: 255 inside, 0 outside."""


@dataclass(frozen=True)
class Track:
    """One object over the frames of a stream."""

    id: int
    """From 1, unique within the stream, never given twice."""
    confirmed: bool
    """False: too new to be sure of."""
    age: int
    """Frames since it began, this one included."""
    hits: int
    """Frames in which it was found."""
    frames_since_seen: int
    """Frames since it was last found; 0: in this one."""
    predicted_box: Box | None
    """Where the object is expected from how it moved."""


@dataclass(frozen=True)
class Embedding:
    values: array[float]
    """32-bit floats, which `numpy.asarray` takes without a copy. Of unit length where the model is to normalise."""
    error: FrameError | None
    """Set when this region failed; there are no values then."""


@dataclass(frozen=True)
class ClassScore:
    class_id: int
    label: str
    """From the model's labels file; empty where it has none."""
    score: float


@dataclass(frozen=True)
class Classification:
    classes: tuple[ClassScore, ...]
    """Best score first."""
    error: FrameError | None
    """Set when this region failed; there are no classes then."""


@dataclass(frozen=True)
class Detection:
    box: Box
    class_id: int
    label: str
    """From the model's labels file; empty where it has none."""
    score: float
    landmarks: tuple[Point, ...]
    """A face model's five are in the order of FivePoints."""
    key_points: tuple[KeyPoint, ...]
    rotated_box: RotatedBox | None
    mask: Mask | None
    track: Track | None
    embedding: Embedding | None
    classification: Classification | None
    error: FrameError | None
    """Why it has no result of a later stage of a pipeline, or why its region failed."""


@dataclass(frozen=True)
class Stage:
    """What one stage of a pipeline did for a frame."""

    name: str
    model_name: str
    model_version: str
    regions: int
    """Regions that it was given; 0 for a stage that takes the whole picture."""
    timings: Timings
    error: FrameError | None


@dataclass(frozen=True)
class SegmentedClass:
    class_id: int
    label: str
    pixels: int


@dataclass(frozen=True)
class DetectResult:
    frame: FrameInfo
    detections: tuple[Detection, ...]
    """Best score first; of a frame with regions, one for each in their order."""
    annotated: bytes
    """A JPEG of the picture with what was found drawn into it, where it was asked for."""
    stages: tuple[Stage, ...]
    unseen_tracks: tuple[Track, ...]
    """Tracks that are alive and were not found in this frame."""


@dataclass(frozen=True)
class EmbedResult:
    frame: FrameInfo
    embeddings: tuple[Embedding, ...]
    """One for each region, in their order."""


@dataclass(frozen=True)
class ClassifyResult:
    frame: FrameInfo
    classifications: tuple[Classification, ...]
    """One for each region, in their order."""


@dataclass(frozen=True)
class SegmentResult:
    frame: FrameInfo
    class_map: bytes
    """An 8-bit grey PNG, as large as the picture: the class of each pixel."""
    probability_map: bytes
    """As large: 255 times the probability of that class, where it was asked for."""
    classes: tuple[SegmentedClass, ...]
    """Those that the map has, with most pixels first."""
