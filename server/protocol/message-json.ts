/** A message of the protocol as protobuf's JSON has it; unlike that, with fields at their defaults too. */
export function messageToJson(message: object): object {
  return Object.fromEntries(
    Object.entries(message).flatMap(([name, value]: [string, unknown]) => {
      if (value === undefined) return [];
      // Of a oneof, the one that is set stands for itself.
      if (isOneof(value)) return Object.entries(messageToJson({ [value.$case]: value[value.$case] }));
      return [[name, valueToJson(value)]];
    }),
  );
}

function valueToJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
  if (Array.isArray(value)) return value.map(valueToJson);
  return typeof value === 'object' && value !== null ? messageToJson(value) : value;
}

function isOneof(value: unknown): value is { readonly $case: string; readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && '$case' in value;
}
