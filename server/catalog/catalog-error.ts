/** What keeps a model from being fetched. Its message is meant for the operator and says what to do. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError';
}
