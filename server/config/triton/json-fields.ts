import type { FieldType, MessageType } from './field-type.js';
import type { TextField, TextValue } from './text-format.js';

/**
 * Protobuf's JSON of a message as the fields of a text, so that both are read alike. Names may be those of the file or in
 * camelCase; what has no name of a field, or no value of its type, stays as it is, for the reader to tell of.
 */
export function fieldsOfJson({ fields }: MessageType, json: Readonly<Record<string, unknown>>): TextField[] {
  return Object.entries(json).flatMap(([written, value]): TextField[] => {
    // As left out.
    if (value === null) return [];
    const name = written.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const values =
      field?.many === 'map' ? entries(field, value) : [value].flat().map((one) => valueOf(field?.type, one));
    return [{ name, offset: 0, values, isList: Array.isArray(value), hasColon: true }];
  });
}

/** A map is an object in JSON, and a list of messages in a text. */
function entries({ key, type }: FieldType, json: unknown): TextValue[] {
  if (!isObject(json)) return [valueOf(undefined, json)];
  const field = (name: string, value: TextValue): TextField => ({
    name,
    offset: 0,
    values: [value],
    isList: false,
    hasColon: true,
  });
  return Object.entries(json).map(([name, value]) => ({
    kind: 'message',
    offset: 0,
    fields: [field('key', valueOf(key, name)), field('value', valueOf(type, value))],
  }));
}

function valueOf(type: FieldType['type'] | undefined, json: unknown): TextValue {
  if (isObject(json)) {
    const of = typeof type === 'object' && 'fields' in type ? type : { fields: {} };
    return { kind: 'message', offset: 0, fields: fieldsOfJson(of, json) };
  }
  // Names of enumerations are in quotes in JSON, and so are numbers of 64 bits.
  const isText = typeof json === 'string' && (type === 'string' || type === undefined);
  return { kind: isText ? 'string' : 'word', offset: 0, text: String(json) };
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
