import { type Answer } from './answer.js';
import { byId } from './dom.js';
import { paintClassMap, paintMasks } from './masks.js';
import { drawOverlay } from './overlay.js';

/** The picture that was tried, with what was found drawn over it. */
export class PictureView {
  readonly #canvas = byId<HTMLCanvasElement>('picture');
  readonly #overlay = byId<SVGSVGElement>('overlay');

  /** Shows a picture, and takes what lay over the last one away. */
  showPicture(picture: ImageBitmap | HTMLCanvasElement): void {
    this.#canvas.width = picture.width;
    this.#canvas.height = picture.height;
    this.#context.drawImage(picture, 0, 0);
    this.#overlay.replaceChildren();
    byId('view').hidden = false;
    byId('hint').hidden = true;
  }

  /** Shows no picture. */
  clear(): void {
    byId('view').hidden = true;
    byId('hint').hidden = false;
  }

  /** Draws what was found over the picture that is shown; `words` say the same. */
  async showAnswer({ frame, detections = [], classMap }: Answer, words: string): Promise<void> {
    const { width, height } = this.#canvas;
    if (classMap !== undefined && classMap !== '') {
      const map = await readPng(classMap, width, height);
      this.#repaint((pixels) => paintClassMap(pixels, map));
    }
    if (detections.some(({ mask }) => mask !== undefined)) {
      this.#repaint((pixels) => paintMasks(pixels, width, height, detections));
    }
    drawOverlay(this.#overlay, frame, detections);
    this.#canvas.setAttribute('aria-label', `the picture: ${words}`);
  }

  get #context(): CanvasRenderingContext2D {
    return this.#canvas.getContext('2d', { willReadFrequently: true })!;
  }

  #repaint(paint: (pixels: Uint8ClampedArray) => void): void {
    const image = this.#context.getImageData(0, 0, this.#canvas.width, this.#canvas.height);
    paint(image.data);
    this.#context.putImageData(image, 0, 0);
  }
}

/** The RGBA pixels of a PNG in base64. Its values are numbers, not colours: nothing converts them. */
async function readPng(base64: string, width: number, height: number): Promise<Uint8ClampedArray> {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const map = await createImageBitmap(new Blob([bytes], { type: 'image/png' }), { colorSpaceConversion: 'none' });
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  context.drawImage(map, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}
