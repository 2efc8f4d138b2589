import { packageVersion } from '../config/package-version.js';
import type { ServerOptions } from '../config/server-options.js';
import { RecentErrors } from '../core/recent-errors.js';
import type { StatisticsSink } from '../core/statistics.js';
import type { PageSource } from '../http/page-routes.js';
import type { ServerReport } from '../http/server-status.js';
import { answerPicture, type SingleFrameContext, type SinglePicture } from '../protocol/single-frame.js';
import type { ModelView } from './model-view.js';

/** What the live page shows of this process, and asks it. */
export class LivePage {
  /** Where the process reports to: what fails is remembered for the page, and everything handed on. */
  readonly statistics: StatisticsSink;
  readonly #view: ModelView;
  readonly #errors = new RecentErrors(Date.now);
  readonly #context: SingleFrameContext;

  constructor(view: ModelView, statistics: StatisticsSink, context: SingleFrameContext) {
    this.#view = view;
    this.statistics = this.#errors.beside(statistics);
    this.#context = context;
  }

  report(): ServerReport {
    return { models: this.#view.report(), errors: this.#errors.list() };
  }

  /** See answerPicture. */
  tryPicture(picture: SinglePicture, signal: AbortSignal): Promise<object> {
    return answerPicture(picture, this.#context, signal);
  }

  /** The page of a server that is this process alone; null: it has none. */
  async source({ httpPage, maxMessageBytes }: ServerOptions): Promise<PageSource | null> {
    if (!httpPage) return null;
    return {
      version: await packageVersion(),
      maxPictureBytes: maxMessageBytes,
      report: async () => ({ ...this.report(), processes: 1 }),
      tryPicture: (picture, signal) => this.tryPicture(picture, signal),
    };
  }
}
