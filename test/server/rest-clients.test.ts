import { join } from 'node:path';
import test from 'ava';
import { Serving } from '../support/serving.js';
import { DATATYPES, identityModel } from '../support/tensor-models.js';
import { runTritonScript } from '../support/triton-client.js';

for (const processes of ['1', '2']) {
  test.serial(`Triton's own HTTP client works as it is, with ${processes} of --processes`, async (t) => {
    await using serving = await Serving.start(
      async (repository) => {
        await repository.addVersion('identity', 1, identityModel());
        await repository.addVersion('texts', 1, identityModel(DATATYPES.BYTES, ['batch', 'n']));
      },
      ['--model-control-mode', 'explicit', '--load-model', '*', '--processes', processes],
    );
    const { code, lines, stderr } = await runTritonScript(join('test', 'server', 'triton_http_client.py'), [
      serving.server.httpAddress,
      join(serving.repository.directory, 'identity', '1', 'model.onnx'),
    ]);
    t.is(code, 0, `after "${lines.at(-1)}": ${stderr}`);
    t.is(lines.at(-1), 'shared memory');
  });
}
