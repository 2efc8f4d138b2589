/** What stands in place of what the repository has of a model, from a load to the next one or an unload. */
export interface ModelOverride {
  /** Keys of the configuration, as JSON; null: those of the file count. */
  readonly config: string | null;
  /** Directory in place of the model's own; null: its own. */
  readonly directory: string | null;
}

/** Overrides by the names of models. */
export type ModelOverrides = ReadonlyMap<string, ModelOverride>;
