import { testTrainedModels, trainedModels } from './trained-models.js';

testTrainedModels(await trainedModels(), 'fp16', 0.005);
