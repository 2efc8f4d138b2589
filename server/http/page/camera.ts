/** Longest side of the frames that are sent, in pixels. */
const LONGEST_SIDE = 1280;

const JPEG_QUALITY = 0.85;

/** A frame of the camera: its pixels, and the file that is sent. */
export interface CameraFrame {
  readonly picture: HTMLCanvasElement;
  readonly file: Blob;
}

/** The camera of this machine, taken frame by frame: the next one when the last one has been dealt with. */
export class Camera {
  readonly #stream: MediaStream;
  readonly #video: HTMLVideoElement;
  readonly #canvas = document.createElement('canvas');

  private constructor(stream: MediaStream, video: HTMLVideoElement) {
    this.#stream = stream;
    this.#video = video;
  }

  /** Asks for the camera. Throws an Error that says why there is none. */
  static async open(): Promise<Camera> {
    // Browsers hide it from pages that came over plain HTTP from another machine.
    if (!window.isSecureContext) {
      throw new Error(
        'browsers give the camera to pages over HTTPS or from localhost only; forward the port, or use a proxy',
      );
    }
    const stream = await navigator.mediaDevices
      .getUserMedia({ video: { width: { ideal: LONGEST_SIDE } } })
      .catch((cause: unknown) => {
        throw new Error(`there is no camera to use: ${(cause as Error).message}`, { cause });
      });
    const video = document.createElement('video');
    video.muted = true;
    video.playsInline = true;
    video.srcObject = stream;
    await video.play();
    return new Camera(stream, video);
  }

  /** Whether it still gives pictures. */
  get live(): boolean {
    return this.#stream.getVideoTracks().some(({ readyState }) => readyState === 'live');
  }

  /** The picture of now. Its canvas is used again for the next one. */
  async frame(): Promise<CameraFrame> {
    const { videoWidth, videoHeight } = this.#video;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(videoWidth, videoHeight));
    this.#canvas.width = Math.round(videoWidth * scale);
    this.#canvas.height = Math.round(videoHeight * scale);
    this.#canvas.getContext('2d')!.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    const file = await new Promise<Blob | null>((resolve) => this.#canvas.toBlob(resolve, 'image/jpeg', JPEG_QUALITY));
    if (file === null) throw new Error('the frame could not be encoded');
    return { picture: this.#canvas, file };
  }

  /** Gives the camera back. */
  close(): void {
    for (const track of this.#stream.getTracks()) track.stop();
    this.#video.srcObject = null;
  }
}
