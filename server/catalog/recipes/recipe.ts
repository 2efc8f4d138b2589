import { convertMobileNetV2 } from './mobilenetv2.js';

/** A conversion of a fetched file into the model file. */
export interface Recipe {
  /** Raised whenever the result changes, so that files made by the older one are made anew. */
  readonly version: number;
  /** Throws CatalogError where the file is not what the recipe expects. */
  convert(file: Uint8Array): Uint8Array;
}

export const RECIPE_NAMES = ['mobilenetv2-checkpoint'] as const;

export type RecipeName = (typeof RECIPE_NAMES)[number];

export const RECIPES: Readonly<Record<RecipeName, Recipe>> = {
  'mobilenetv2-checkpoint': { version: 1, convert: convertMobileNetV2 },
};
