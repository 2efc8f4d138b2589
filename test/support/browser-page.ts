import { spawnSync } from 'node:child_process';
import { launch, type Browser, type HTTPRequest, type Page } from 'puppeteer-core';
import { eventually } from './eventually.js';

/** As Debian, Ubuntu and Google name the program; test/chromium.sh looks for the same. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** A headless Chromium with a camera that shows a drawn scene, and that asks nobody. */
export async function launchBrowser(): Promise<Browser> {
  const program = NAMES.map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim()).find(Boolean);
  if (program === undefined) throw new Error('the tests of the live page need Chromium: apt-get install chromium');
  return await launch({
    executablePath: program,
    args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  });
}

/** The live page of a server in a browser, and everything that it did which it should not have. */
export class BrowserPage implements AsyncDisposable {
  readonly page: Page;
  /** Warnings and errors of the console, what was thrown, and what the content security policy held back. */
  readonly complaints: string[] = [];
  /** Addresses of everything that was asked for. */
  readonly requests: string[] = [];
  /** Pictures that are being tried, now and at most. */
  readonly tries = { running: 0, most: 0, answered: 0 };

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      if (['error', 'warn'].includes(message.type())) this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('request', (request) => {
      this.requests.push(request.url());
      if (!isTry(request)) return;
      this.tries.running += 1;
      this.tries.most = Math.max(this.tries.most, this.tries.running);
    });
    page.on('requestfinished', (request) => {
      if (!isTry(request)) return;
      this.tries.running -= 1;
      this.tries.answered += 1;
    });
  }

  /** Opens the page; `prepare` is given it before anything is loaded. */
  static async open(
    browser: Browser,
    httpAddress: string,
    prepare: (page: Page) => Promise<unknown> = async () => {},
  ): Promise<BrowserPage> {
    const page = await browser.newPage();
    const opened = new BrowserPage(page);
    await page.setViewport({ width: 1280, height: 900 });
    await prepare(page);
    await page.goto(`http://${httpAddress}/`);
    return opened;
  }

  /** The text of the first element that a selector finds, as it is read; empty where there is none or it is hidden. */
  async text(selector: string): Promise<string> {
    return (await this.texts(selector))[0] ?? '';
  }

  /** The texts of all elements that a selector finds and that are shown. */
  async texts(selector: string): Promise<string[]> {
    return await this.ask<string[]>(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].filter((e) => e.checkVisibility()).map((e) => e.innerText.trim())`,
    );
  }

  /** What an expression comes to in the page. */
  async ask<T>(expression: string): Promise<T> {
    return (await this.page.evaluate(expression)) as T;
  }

  /** Resolves when the text of an element matches. */
  async until(selector: string, wanted: RegExp): Promise<string> {
    let last = '';
    const matches = async () => wanted.test((last = await this.text(selector)));
    try {
      await eventually(`${selector} shows ${wanted}`, matches);
    } catch (cause) {
      throw new Error(`${selector} shows ${JSON.stringify(last)}, not ${wanted}`, { cause });
    }
    return last;
  }

  /** Drops a file onto an element, as a hand would. */
  async drop(selector: string, name: string, type: string, bytes: Uint8Array): Promise<void> {
    const given = JSON.stringify({ selector, name, type, base64: Buffer.from(bytes).toString('base64') });
    await this.page.evaluate(`(() => {
      const { selector, name, type, base64 } = ${given};
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], name, { type }));
      for (const event of ['dragenter', 'dragover', 'drop']) {
        const options = { dataTransfer, bubbles: true, cancelable: true };
        document.querySelector(selector).dispatchEvent(new DragEvent(event, options));
      }
    })()`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
  }
}

function isTry(request: HTTPRequest): boolean {
  return request.url().includes('/try?');
}
