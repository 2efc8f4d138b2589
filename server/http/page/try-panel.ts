import type { TaskKind } from '../../core/tasks.js';
import type { ServerStatus } from '../server-status.js';
import type { Answer } from './answer.js';
import { AnswerView, describe } from './answer-view.js';
import { Camera } from './camera.js';
import { byId, setNotice, setOptions, setText } from './dom.js';
import { versionKey } from './history.js';
import { PictureView } from './picture-view.js';
import { AnswerError, type ServerLink } from './server-link.js';

/** Tries a model with a picture that was chosen or dropped, or with the camera: one frame in flight. */
export class TryPanel {
  readonly #link: ServerLink;
  readonly #model = byId<HTMLSelectElement>('tried');
  readonly #threshold = byId<HTMLInputElement>('threshold');
  readonly #cameraButton = byId<HTMLButtonElement>('camera');
  readonly #answers = new AnswerView();
  readonly #view = new PictureView();
  /** The call that each version answers, by its key. */
  #calls: ReadonlyMap<string, TaskKind | null> = new Map();
  /** The picture that was tried last, to be tried again when the model or the threshold changes. */
  #file: Blob | null = null;
  /** Whether the camera is to go on. */
  #filming = false;
  /** Counts what was asked for, so that a late answer to an earlier question is not shown. */
  #asked = 0;

  constructor(link: ServerLink) {
    this.#link = link;
    const file = byId<HTMLInputElement>('file');
    file.addEventListener('change', () => {
      const [chosen] = file.files ?? [];
      // The same file may be chosen again.
      if (chosen !== undefined) void this.#tryFile(chosen).then(() => (file.value = ''));
    });
    this.#takeDrops(byId('stage'));
    // Beside the stage, a browser would leave the page for the file.
    for (const event of ['dragover', 'drop']) document.addEventListener(event, (dropped) => dropped.preventDefault());
    this.#cameraButton.addEventListener('click', () => void (this.#filming ? this.#stopFilming() : this.#film()));
    for (const control of [this.#model, this.#threshold]) control.addEventListener('change', () => this.#tryAgain());
  }

  /** Offers the versions that serve and look at pictures. */
  show({ models }: ServerStatus): void {
    const serving = models.flatMap(({ name, input, call, versions }) =>
      versions
        .filter(({ state }) => state === 'READY' && input === 'picture')
        .map(({ version }) => [versionKey(name, version), call] as const),
    );
    this.#calls = new Map(serving);
    setOptions(
      this.#model,
      serving.map(([key]) => [key, key.replace(/\/(?=\d+$)/, ' ')]),
    );
    this.#model.disabled = serving.length === 0;
    this.#allowThreshold();
  }

  /** Chooses a version. */
  choose(key: string): void {
    this.#model.value = key;
    this.#model.focus();
    this.#allowThreshold();
    byId('try-title').scrollIntoView({ block: 'start' });
    this.#tryAgain();
  }

  /** Embedders and models that segment have none. */
  #allowThreshold(): void {
    const call = this.#calls.get(this.#model.value);
    this.#threshold.disabled = call !== 'detect' && call !== 'classify';
  }

  #takeDrops(stage: HTMLElement): void {
    stage.addEventListener('dragover', (event) => {
      event.preventDefault();
      stage.classList.add('over');
    });
    stage.addEventListener('dragleave', () => stage.classList.remove('over'));
    stage.addEventListener('drop', (event) => {
      event.preventDefault();
      stage.classList.remove('over');
      const [dropped] = event.dataTransfer?.files ?? [];
      if (dropped !== undefined) void this.#tryFile(dropped);
    });
  }

  #tryAgain(): void {
    this.#allowThreshold();
    if (!this.#filming && this.#file !== null) void this.#tryFile(this.#file);
  }

  async #tryFile(file: Blob): Promise<void> {
    this.#stopFilming();
    this.#file = file;
    const asked = ++this.#asked;
    // The server is asked about what the browser cannot show as well: it knows better why.
    const picture = await createImageBitmap(file).catch(() => null);
    if (asked !== this.#asked) return;
    if (picture === null) this.#view.clear();
    else this.#view.showPicture(picture);
    await this.#ask(file, asked, () => {});
  }

  async #film(): Promise<void> {
    this.#setFilming(true);
    const asked = ++this.#asked;
    let camera: Camera | null = null;
    try {
      camera = await Camera.open();
      let frames = 0;
      const start = performance.now();
      while (this.#filming && asked === this.#asked && camera.live) {
        const { picture, file } = await camera.frame();
        if (asked !== this.#asked) break;
        const answered = await this.#ask(file, asked, () => this.#view.showPicture(picture));
        if (!answered) break;
        frames += 1;
        const rate = (frames * 1000) / (performance.now() - start);
        setText(this.#cameraButton, `Stop the camera (${rate.toFixed(1)} frames a second)`);
        // A browser that does not show the page gives no animation frames, and the camera rests.
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    } catch (cause) {
      setNotice(byId('try-error'), (cause as Error).message);
    } finally {
      camera?.close();
    }
    if (asked === this.#asked) this.#setFilming(false);
  }

  #stopFilming(): void {
    this.#asked += 1;
    this.#setFilming(false);
  }

  #setFilming(filming: boolean): void {
    this.#filming = filming;
    this.#cameraButton.setAttribute('aria-pressed', String(filming));
    setText(this.#cameraButton, filming ? 'Stop the camera' : 'Start the camera');
  }

  /** Asks the model and shows the answer, after `before`. False when there was none. */
  async #ask(file: Blob, asked: number, before: () => void): Promise<boolean> {
    const [model, version] = this.#chosen();
    if (model === '') {
      setNotice(byId('try-error'), 'no model that takes pictures is ready');
      return false;
    }
    const start = performance.now();
    try {
      const answer = (await this.#link.tryPicture(model, version, file, this.#options())) as Answer;
      const milliseconds = performance.now() - start;
      if (asked !== this.#asked) return false;
      before();
      setNotice(byId('try-error'), null);
      this.#answers.show(answer, milliseconds);
      await this.#view.showAnswer(answer, describe(answer));
      return true;
    } catch (cause) {
      if (asked !== this.#asked) return false;
      this.#answers.clear();
      const code = cause instanceof AnswerError && cause.code !== '' ? `${cause.code}: ` : '';
      setNotice(byId('try-error'), `${code}${(cause as Error).message}`);
      return false;
    }
  }

  #chosen(): [model: string, version: string] {
    const key = this.#model.value;
    const slash = key.lastIndexOf('/');
    return [key.slice(0, slash), key.slice(slash + 1)];
  }

  #options(): URLSearchParams {
    const { value, validity, disabled } = this.#threshold;
    return new URLSearchParams(value === '' || !validity.valid || disabled ? {} : { score_threshold: value });
  }
}
