import type { Source } from '../catalog.js';
import { downloadWith } from './package-client.js';
import { downloadUrl } from './url.js';

/** Called with the share of the download that is done, 0 to 1, where that is known. */
export type DownloadProgress = (share: number) => void;

/**
 * Downloads what a source names, an archive or the file itself, using `directory`, which must be empty. Nothing is
 * checked here. Throws CatalogError with what to do.
 */
export function download(
  source: Source,
  directory: string,
  onProgress: DownloadProgress,
  signal: AbortSignal,
): Promise<Uint8Array> {
  switch (source.type) {
    case 'pypi': {
      const wheel = Object.entries(source.wheel ?? {}).map(([key, value]) => `--${key.replace('_', '-')}=${value}`);
      const pip = ['-m', 'pip', 'download', '--disable-pip-version-check', '--no-input', '--retries=2', '--dest=.'];
      // Wheels alone: a source package would run its own code to be built.
      const args = pip.concat('--no-deps', '--only-binary=:all:', wheel, `${source.package}==${source.version}`);
      return downloadWith({ command: 'python3', args, hint: 'install Python 3 with pip' }, directory, signal);
    }
    case 'npm': {
      const args = ['pack', '--silent', '--ignore-scripts', '--fetch-retries=2', `${source.package}@${source.version}`];
      return downloadWith({ command: 'npm', args, hint: 'install Node.js with npm' }, directory, signal);
    }
    case 'url':
      return downloadUrl(source.url, onProgress, signal);
  }
}
