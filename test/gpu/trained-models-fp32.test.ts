import { testTrainedModels, trainedModels } from './trained-models.js';

testTrainedModels(await trainedModels(), 'fp32', 0.002);
