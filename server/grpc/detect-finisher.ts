import { DEFAULT_ANNOTATE, type AnnotateConfig } from '../core/annotation-config.js';
import type { Annotator } from '../core/annotation.js';
import type { Keep, KeptPicture } from '../core/picture.js';
import type { DetectResponse } from '../gen/sluice/v1/inference.js';
import type { Answered, Finisher } from './stream-protocol.js';

/** What a stream of detections does to its responses: draws them, where it is asked to. */
export class DetectFinisher implements Finisher<DetectResponse> {
  readonly keep: Keep | undefined;
  readonly #annotate: Annotator;

  constructor(annotates: boolean, annotate: Annotator) {
    this.keep = annotates ? 'rgb' : undefined;
    this.#annotate = annotate;
  }

  finish(response: DetectResponse, answered: Answered): DetectResponse | Promise<DetectResponse> {
    const { picture, model } = answered;
    if (picture === undefined) return response;
    return this.#drawn(response, picture.picture, model.config.annotate ?? DEFAULT_ANNOTATE);
  }

  async #drawn(response: DetectResponse, picture: KeptPicture, config: AnnotateConfig): Promise<DetectResponse> {
    return { ...response, annotated: await this.#annotate(picture, response.detections, config) };
  }
}
