import { readFile } from 'node:fs/promises';
import { SluiceClient } from './sluice-client.js';

const [address = '127.0.0.1:8001', image = 'model-repo/.samples/astronaut.png'] = process.argv.slice(2);

using client = await SluiceClient.connect(address);
for await (const result of client.detect([{ picture: await readFile(image) }], { model: 'centerface' })) {
  for (const { score, box } of result.detections) console.log(score, box);
}
