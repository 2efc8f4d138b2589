import { loadNativeGpu, type EngineBenchSpec } from '../../../server/runtime/native-gpu.js';
import { childInput } from './child.js';

/** Runs a plan alone. Input: EngineBenchSpec. Output: EngineBenchResult. */
console.log(JSON.stringify(loadNativeGpu().benchEngine(childInput<EngineBenchSpec>())));
