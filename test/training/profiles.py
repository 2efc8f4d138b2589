"""What is fixed of each head: the task, the network input, how pixels become numbers, what the outputs are called."""

from .scenes import people, sentences, shapes

DETECTOR_SIZE = (192, 160)
POSE_SIZE = (96, 128)
SINGLE_SIZE = (80, 64)
FACE_SIZE = (112, 112)
STRIDES = (8, 16, 32)
# Width and height of the anchors of each level, in network pixels.
YOLO_ANCHORS = ((16, 16, 24, 24, 32, 32), (40, 40, 48, 48, 60, 60), (72, 72, 88, 88, 110, 110))
RETINA_SIZES = ((16, 32), (64, 128), (256, 512))

_UNIT = {"scale": 1 / 255, "mean": [0, 0, 0], "std": [1, 1, 1]}
_RAW = {"scale": 1, "mean": [0, 0, 0], "std": [1, 1, 1]}
_IMAGENET = {"scale": 1 / 255, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
_CENTERS = {"scale": 1 / 255, "mean": [0.408, 0.447, 0.470], "std": [0.289, 0.274, 0.278]}


def _pixels(color, numbers, pad=114, resize="letterbox"):
    """Mean and deviation are in the order of the input's channels: after any swap."""
    return {"resize": resize, "color": color, "pad": pad, **numbers}


def _detector(task, data, preprocess, classes, nms=0.5, **more):
    return {
        "task": task,
        "data": data,
        "size": DETECTOR_SIZE,
        "preprocess": preprocess,
        "outputs": ["output"],
        "classes": list(classes),
        "metric": "map",
        "score_threshold": 0.25,
        "nms_threshold": nms,
        **more,
    }


_SHAPES, _BARS = shapes.CLASSES, shapes.TURNED_CLASSES
_YOLO = _pixels("rgb", _UNIT)
_ANCHORS = {"strides": list(STRIDES), "anchors": [list(level) for level in YOLO_ANCHORS]}
_PEOPLE = {"key_points": 17, "key_point_names": list(people.JOINTS)}

PROFILES = {
    "yolov5": _detector("yolov5", "shapes", _YOLO, _SHAPES, **_ANCHORS),
    "yolox": _detector("yolox", "shapes", _pixels("bgr", _RAW), _SHAPES, strides=list(STRIDES)),
    "yolov5_raw": _detector("yolov5_raw", "shapes", _YOLO, _SHAPES, focus=True, **_ANCHORS),
    "yolox_raw": _detector("yolox_raw", "shapes", _pixels("bgr", _RAW), _SHAPES, focus=True, strides=list(STRIDES)),
    "yolov8": _detector("yolov8", "shapes", _YOLO, _SHAPES),
    "yolov8_seg": _detector("yolov8_seg", "shapes", _YOLO, _SHAPES, outputs=["output", "proto"], metric="mask_map"),
    "yolov8_pose": _detector("yolov8_pose", "people", _YOLO, ["person"], metric="oks", **_PEOPLE),
    "yolov8_obb": _detector("yolov8_obb", "turned", _YOLO, _BARS, metric="rotated_map"),
    "yolov10": _detector("yolov10", "shapes", _YOLO, _SHAPES, nms=None),
    "rtdetr": _detector(
        "rtdetr", "shapes", _pixels("rgb", _UNIT, resize="stretch"), _SHAPES, nms=None, outputs=["boxes", "scores"]
    ),
    "centernet": _detector("centernet", "shapes", _pixels("bgr", _CENTERS, 0), _SHAPES),
    "dbface": _detector(
        "dbface",
        "faces",
        _pixels("bgr", _CENTERS, 0),
        ["face"],
        key_points=5,
        outputs=["hm", "pool_hm", "tlrb", "landmark"],
        variants={"dbface_small": ["hm", "tlrb", "landmark"]},
    ),
    "retinaface": _detector(
        "retinaface",
        "faces",
        _pixels("bgr", {"scale": 1, "mean": [104, 117, 123], "std": [1, 1, 1]}, 0),
        ["face"],
        key_points=5,
        strides=list(STRIDES),
        anchors=[[s for size in level for s in (size, size)] for level in RETINA_SIZES],
    ),
    "scrfd": _detector(
        "scrfd",
        "faces",
        _pixels("bgr", {"scale": 1, "mean": [127.5] * 3, "std": [128] * 3}, 0),
        ["face"],
        key_points=5,
        strides=list(STRIDES),
        variants={"scrfd_nine": [f"{part}_{s}" for part in ("score", "bbox", "kps") for s in STRIDES]},
    ),
    "arcface": {
        "task": "embedding",
        "data": "identities",
        "size": FACE_SIZE,
        "outputs": ["embedding"],
        "metric": "rank1",
        "preprocess": _pixels("rgb", {"scale": 1 / 255, "mean": [0.5] * 3, "std": [0.5] * 3}, 0, "align"),
    },
    "classification": {
        "task": "classification",
        "data": "singles",
        "size": SINGLE_SIZE,
        "outputs": ["logits"],
        "classes": list(_SHAPES),
        "metric": "top1",
        "preprocess": _pixels("rgb", _IMAGENET, 0, "stretch"),
    },
    "unet": {
        "task": "segmentation",
        "data": "shapes",
        "size": DETECTOR_SIZE,
        "outputs": ["probabilities"],
        "classes": ["background", *_SHAPES],
        "metric": "miou",
        "preprocess": _pixels("rgb", _UNIT, 128),
    },
    "alphapose": {
        "task": "alphapose",
        "data": "crops",
        "size": POSE_SIZE,
        "outputs": ["output"],
        "metric": "oks_crops",
        "preprocess": _pixels(
            "rgb", {"scale": 1 / 255, "mean": [0.406, 0.457, 0.480], "std": [1, 1, 1]}, 127, "person_crop"
        ),
        **_PEOPLE,
    },
    "heatmap_pose": {
        "task": "heatmap_pose",
        "data": "crops",
        "size": POSE_SIZE,
        "outputs": ["heatmaps"],
        "metric": "oks_crops",
        "stride": 4,
        "refinement": "quarter",
        "preprocess": _pixels("rgb", _IMAGENET, 127, "person_crop"),
        **_PEOPLE,
    },
    "fall": {
        "task": "fall",
        "data": "poses",
        "outputs": ["logits"],
        "classes": list(people.STATES),
        "metric": "top1",
        "inputs": ["keypoints"],
        "key_points": 16,
        "mpii_of_coco": people.MPII_OF_COCO,
    },
    "text_classification": {
        "task": "text_classification",
        "data": "texts",
        "outputs": ["logits"],
        "inputs": ["input_ids", "attention_mask"],
        "classes": list(sentences.TOPICS),
        "metric": "top1",
        "length": sentences.LENGTH,
        "vocab": "vocab.txt",
        "lower_case": True,
        "cls": "[CLS]",
        "sep": "[SEP]",
        "pad_id": 0,
    },
    "text_embedding": {
        "task": "text_embedding",
        "data": "texts",
        "outputs": ["embedding"],
        "inputs": ["input_ids", "attention_mask"],
        "metric": "rank1",
        "length": sentences.LENGTH,
        "vocab": "vocab.txt",
        "lower_case": True,
        "cls": "[CLS]",
        "sep": "[SEP]",
        "pad_id": 0,
    },
}

# Share of the time of all heads that each of them gets, when they are trained together.
WEIGHTS = {
    "fall": 0.15,
    "text_classification": 0.25,
    "text_embedding": 0.5,
    "classification": 0.5,
    "unet": 0.8,
    "yolov8_seg": 1.4,
    "yolov8_pose": 1.5,
    "yolov8_obb": 1.3,
    "rtdetr": 1.3,
    "yolov10": 1.3,
    "arcface": 1.2,
    "alphapose": 1.2,
    "heatmap_pose": 1.2,
}


def exports_of(name):
    """Files that are written of a head: their names and the names of their outputs."""
    profile = PROFILES[name]
    return {name: profile["outputs"], **profile.get("variants", {})}
