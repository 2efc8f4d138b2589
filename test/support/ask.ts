import type {
  ClassifyResponse,
  ClassifySettings,
  DetectResponse,
  DetectSettings,
  RegionsFrame,
  EmbedResponse,
  Frame,
  SluiceClient,
  StreamSettings,
} from '../../clients/typescript/sluice-client.js';

/** Detects in one frame. */
export async function detectOne(
  client: SluiceClient,
  frame: Frame,
  settings: DetectSettings = {},
): Promise<DetectResponse> {
  return only(await all(client.detect([frame], settings)));
}

/** Embeds one frame. */
export async function embedOne(
  client: SluiceClient,
  frame: RegionsFrame,
  settings: StreamSettings = {},
): Promise<EmbedResponse> {
  return only(await all(client.embed([frame], settings)));
}

/** Classifies one frame. */
export async function classifyOne(
  client: SluiceClient,
  frame: RegionsFrame,
  settings: ClassifySettings = {},
): Promise<ClassifyResponse> {
  return only(await all(client.classify([frame], settings)));
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function only<T>(items: readonly T[]): T {
  const [first] = items;
  if (first === undefined || items.length > 1) throw new Error(`one frame was answered ${items.length} times`);
  return first;
}
