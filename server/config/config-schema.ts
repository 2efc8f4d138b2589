import { z } from 'zod';
import { modelConfigSchema } from '../core/model-config.js';

/** As much of JSON Schema as the configuration uses. */
export interface SchemaNode {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly SchemaNode[];
}

/** The JSON Schema of a config.yaml, draft 7: what editors understand. */
export const configSchema: SchemaNode = z.toJSONSchema(modelConfigSchema, {
  io: 'input',
  target: 'draft-7',
  override: ({ jsonSchema }) => {
    // The limits of a double are not limits of the configuration, and `{}` says nothing as a default.
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (JSON.stringify(jsonSchema.default) === '{}') delete jsonSchema.default;
  },
}) as SchemaNode;

/** The schema of what stands at `path`; undefined where the configuration has nothing. */
export function schemaAt(path: readonly PropertyKey[], from: SchemaNode = configSchema): SchemaNode | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return from;
  for (const branch of from.anyOf ?? [from]) {
    const child = typeof key === 'number' ? branch.items : ownProperty(branch, String(key));
    if (child !== undefined) return schemaAt(rest, child);
  }
  return undefined;
}

/** The keys that a mapping may have; of alternatives, the keys of all. */
export function keysOf(schema: SchemaNode): string[] {
  return (schema.anyOf ?? [schema]).flatMap((branch) => Object.keys(branch.properties ?? {}));
}

/** What a good value is, as it continues "expected". */
export function describeExpected(schema: SchemaNode): string {
  if (schema.anyOf !== undefined) {
    const keys = keysOf(schema);
    return keys.length > 0
      ? `a mapping with one of the keys ${keys.join(', ')}`
      : schema.anyOf.map(describeExpected).join(', or ');
  }
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  switch (schema.type) {
    case 'object':
      return `a mapping with keys such as ${keysOf(schema).slice(0, 3).join(', ')}`;
    case 'array':
      return `a list${listLength(schema)}${schema.items === undefined ? '' : `, each ${describeExpected(schema.items)}`}`;
    case 'integer':
      return `a whole number${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'text';
    default:
      return 'something else';
  }
}

function range({ minimum, maximum }: SchemaNode): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `, at least ${minimum}`;
  return maximum === undefined ? '' : `, at most ${maximum}`;
}

function listLength({ minItems, maxItems }: SchemaNode): string {
  if (minItems === undefined) return '';
  return minItems === maxItems ? ` of ${minItems}` : ` of at least ${minItems}`;
}

/** A plain look-up would find what every object inherits. */
function ownProperty({ properties }: SchemaNode, key: string): SchemaNode | undefined {
  return properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
}
