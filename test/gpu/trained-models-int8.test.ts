import { testTrainedModels } from './trained-models.js';

/** Calibrated plans take long to build, and few families differ in what int8 does to them. */
testTrainedModels(['yolov8', 'scrfd'], 'int8', 0.01);
