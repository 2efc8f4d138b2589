import { join } from 'node:path';
import { ServingError } from '../../core/errors.js';
import type { AccuracyReport } from '../engine-sidecar.js';
import { ThreadInstance } from '../thread-instance.js';
import { measureAgreement, type AgreementReport } from './agreement.js';
import type { CalibrationRequest, Calibrator, MeasureRequest, PreparedCalibration } from './calibrator.js';
import { pictureFiles } from './picture-files.js';

export interface PictureCalibratorOptions {
  /** Most pixels of a picture. */
  readonly maxPicturePixels: number;
  /** CPU threads for the model in fp32. */
  readonly threads: number;
}

/** Calibrates with the pictures that the configuration names, and measures on those that it holds back. */
export class PictureCalibrator implements Calibrator {
  readonly #options: PictureCalibratorOptions;

  constructor(options: PictureCalibratorOptions) {
    this.#options = options;
  }

  async prepare({ inputs, directory, signal }: CalibrationRequest): Promise<PreparedCalibration> {
    const { config, calibration, inputName } = inputs;
    const how = config.tensorrt.calibration;
    if (calibration === null || how === undefined) throw new ServingError('INTERNAL', 'nothing is to be calibrated');
    const file = join(directory, 'calibration.f32');
    const pictures = Math.min((await pictureFiles(calibration.directory)).length, how.max_pictures);
    const heldBack = Math.round(pictures * how.held_back);
    // The decoder of pictures comes with it, which the thread that serves never needs otherwise.
    const { writeCalibrationBatches } = await import('./calibration-batches.js');
    const written = await writeCalibrationBatches({
      directory: calibration.directory,
      config,
      maxPictures: Math.max(1, how.max_pictures - heldBack),
      batchSize: how.batch_size,
      heldBack,
      file,
      maxPicturePixels: this.#options.maxPicturePixels,
      signal,
    });
    return { inputs: [{ name: inputName, file }], heldBack: written.heldBack };
  }

  async measure({ inputs, planFile, weightsFile, device, pictures, signal }: MeasureRequest): Promise<AccuracyReport> {
    const { config, modelFile } = inputs;
    const { maxPicturePixels, threads } = this.#options;
    const spec = { modelFile, config, labels: 0, maxPicturePixels };
    await using reference = await ThreadInstance.create({ ...spec, placement: { kind: 'cpu', threads } });
    await using candidate = await ThreadInstance.create({
      ...spec,
      placement: { kind: 'gpu', device: device.index, planFile, weightsFile },
    });
    const report = await measureAgreement({ reference, candidate, pictures, config, signal });
    return { agreement: report.agreement, pictures: report.pictures, summary: summaryOf(report) };
  }
}

function summaryOf(report: AgreementReport): string {
  const on = `on ${report.pictures} ${report.pictures === 1 ? 'picture' : 'pictures'} held back`;
  if (report.kind === 'embed') {
    return `cosine ${report.meanCosine.toFixed(4)} on average and ${report.minimumCosine.toFixed(4)} at worst, ${on}`;
  }
  if (report.kind === 'classify') {
    return `the same best class for ${report.sameBest}, scores off by ${report.meanScoreDifference.toFixed(4)}, ${on}`;
  }
  const { f1, precision, recall, meanIou } = report;
  const overlap = meanIou === null ? '' : `, overlap ${meanIou.toFixed(4)}`;
  return `F1 ${f1.toFixed(4)} (precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)})${overlap}, ${on}`;
}
