#pragma once

#include <variant>
#include <vector>

#include "params/heads/anchor_free.h"
#include "params/heads/centerface.h"
#include "params/heads/centernet.h"
#include "params/heads/dbface.h"
#include "params/heads/efficient_nms.h"
#include "params/heads/raw_yolo.h"
#include "params/heads/retinaface.h"
#include "params/heads/rows.h"
#include "params/heads/rtdetr.h"
#include "params/heads/scrfd.h"
#include "params/heads/yolo.h"

namespace sluice {

/** The head of any detector: each has its instantiation in cuda/heads/. */
using AnyHead = std::variant<CenterFaceHead, YoloHead, YoloV8Head, YoloV8ObbHead, RowsHead, RawYoloHead, CenterNetHead,
                             DbFaceHead, RtDetrHead, EfficientNmsHead, RetinaFaceHead, ScrfdHead>;

/**
 * The head of the specification's task, on outputs of these shapes at `data`. Throws Error kModelInvalid, with the shapes
 * that are expected and those that were found, when they do not fit the task; and when the labels do not fit the classes.
 */
AnyHead MakeHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                 const std::vector<const float*>& data);

HeadLayout LayoutOf(const AnyHead& head);

}  // namespace sluice
