import { bestClasses } from '../core/classifications.js';
import { readDetections } from '../core/detections.js';
import type { ServingError } from '../core/errors.js';
import type { StageResult } from '../core/inference.js';
import type { Detection, Stage } from '../gen/sluice/v1/inference.js';
import { writeTimings } from './frame-codec.js';
import { toFrameError } from './client-error.js';

/** The stages of a pipeline as the protocol has them. */
export function writeStages(stages: readonly StageResult[]): Stage[] {
  return stages.map(({ name, model, version, regions, timings, error }) => ({
    name,
    modelName: model,
    modelVersion: version === null ? '' : String(version),
    regions,
    timings: timings === null ? undefined : writeTimings(timings),
    error: error === null ? undefined : toFrameError(error),
  }));
}

/** Gives each detection of a frame what later stages have found out about it. */
export function attachFindings(detections: readonly Detection[], stages: readonly StageResult[]): void {
  for (const stage of stages) {
    const { findings } = stage;
    if (findings === null) continue;
    const rowErrors = findings.table.rowErrors ?? [];
    const attach = attacherOf(stage);
    detections.forEach((detection, place) => {
      const row = findings.rows[place] ?? -1;
      if (row < 0) return;
      const error: ServingError | null = rowErrors[row] ?? null;
      if (error === null) attach(detection, row);
      else detection.error ??= toFrameError(error);
    });
  }
}

function attacherOf({ findings, labels }: StageResult): (detection: Detection, row: number) => void {
  const { parameters, table } = findings!;
  const valuesOf = (row: number): Float32Array => table.values.subarray(row * table.columns, (row + 1) * table.columns);
  switch (parameters.kind) {
    case 'embed':
      return (detection, row) => {
        detection.embedding = { values: Array.from(valuesOf(row)), error: undefined };
      };
    case 'classify':
      return (detection, row) => {
        detection.classification = { classes: bestClasses(valuesOf(row), parameters, labels), error: undefined };
      };
    case 'detect': {
      // The sizes are only of use for masks, which poses have none of.
      const poses = readDetections({ table, width: 0, height: 0 }, labels);
      return (detection, row) => {
        const { landmarks, keyPoints } = poses[row]!;
        if (keyPoints.length > 0) detection.keyPoints = keyPoints;
        if (landmarks.length > 0) detection.landmarks = landmarks;
      };
    }
    case 'segment':
    case 'infer':
      throw new Error('a stage of a pipeline tells of one object at a time');
  }
}
