"""One small backbone with each family's head. Modules give the family's outputs when called, as they are exported."""

from .detectors import RTDetr, YoloV5, YoloV8, YoloV10, YoloX
from .faces import CenterNet, DBFace, RetinaFace, Scrfd
from .pictures import AlphaPose, ArcFace, Classifier, HeatmapPose, UNet
from .points import Fall
from .texts import TextClassifier, TextEmbedder

MODELS = {
    "yolov5": YoloV5,
    "yolox": YoloX,
    "yolov5_raw": YoloV5,
    "yolox_raw": YoloX,
    "yolov8": YoloV8,
    "yolov8_seg": YoloV8,
    "yolov8_pose": YoloV8,
    "yolov8_obb": YoloV8,
    "yolov10": YoloV10,
    "rtdetr": RTDetr,
    "centernet": CenterNet,
    "dbface": DBFace,
    "retinaface": RetinaFace,
    "scrfd": Scrfd,
    "arcface": ArcFace,
    "classification": Classifier,
    "unet": UNet,
    "alphapose": AlphaPose,
    "heatmap_pose": HeatmapPose,
    "fall": Fall,
    "text_classification": TextClassifier,
    "text_embedding": TextEmbedder,
}
