import { readFile } from 'node:fs/promises';
import { open } from '../../server/local-model.js';

const [directory = 'model-repo/centerface', image = 'model-repo/.samples/astronaut.png'] = process.argv.slice(2);

await using model = await open(directory);
const { detections } = await model.detect(await readFile(image));
for (const { score, box } of detections) console.log(score, box);
