import { DEFAULT_ANNOTATE, type AnnotateConfig } from '../core/annotation-config.js';
import type { Keep, KeptPicture } from '../core/picture.js';
import { StreamTracker } from '../core/tracking/stream-tracker.js';
import type { TrackerConfig } from '../core/tracking-config.js';
import type { DetectResponse } from '../gen/sluice/v1/inference.js';
import type { Answered, Finisher, FinisherTools } from './stream-protocol.js';
import { readCaptureTime, readTrackInput, writeTrack } from './track-codec.js';

/** What a stream of detections does to its responses: tracks what was found, then draws it where it is asked to. */
export class DetectFinisher implements Finisher<DetectResponse> {
  readonly keep: Keep | undefined;
  readonly #tools: FinisherTools;
  /** Made with the first response of a model that tracks, and kept when the model is reloaded. */
  #tracker: StreamTracker | null = null;

  constructor(annotates: boolean, tools: FinisherTools) {
    this.keep = annotates ? 'rgb' : undefined;
    this.#tools = tools;
  }

  finish(response: DetectResponse, { model, picture }: Answered): DetectResponse | Promise<DetectResponse> {
    const { tracker, annotate = DEFAULT_ANNOTATE } = model.config;
    const tracked = tracker === undefined ? response : this.#track(response, tracker);
    return picture === undefined ? tracked : this.#draw(tracked, picture.picture, annotate);
  }

  [Symbol.dispose](): void {
    this.#tracker?.[Symbol.dispose]();
    this.#tracker = null;
  }

  /** Throws INVALID_REQUEST for a frame from before the last one; the tracks are then as they were. */
  #track(response: DetectResponse, config: TrackerConfig): DetectResponse {
    this.#tracker ??= new StreamTracker(config, this.#tools.clock);
    const { index = 0, captureTime } = response.frame ?? {};
    const frame = { index, captureTime: readCaptureTime(captureTime) };
    const tracks = this.#tracker.update(response.detections.map(readTrackInput), frame);
    const detections = response.detections.map((detection, place) => {
      const track = tracks[place] ?? null;
      return track === null ? detection : { ...detection, track: writeTrack(track) };
    });
    return { ...response, detections, unseenTracks: this.#tracker.coasting().map(writeTrack) };
  }

  async #draw(response: DetectResponse, picture: KeptPicture, config: AnnotateConfig): Promise<DetectResponse> {
    return { ...response, annotated: await this.#tools.annotate(picture, response.detections, config) };
  }
}
