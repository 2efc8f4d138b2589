import { closestWord } from '../closest-word.js';
import { formatPath, type ConfigProblem } from '../config-report.js';
import type { FieldType, MessageType, MessageValue } from './field-type.js';
import { describeType, scalarOf } from './scalar-values.js';
import type { TextField, TextValue } from './text-format.js';

/** Something that a file says and that is not done as it says. */
export interface Reservation {
  readonly offset: number;
  readonly path: readonly PropertyKey[];
  /** What happens instead. */
  readonly instead: string;
}

export interface ReadMessage<Type extends MessageType> {
  readonly value: MessageValue<Type>;
  readonly problems: readonly ConfigProblem[];
  /** Fields that say something and are not read. */
  readonly unread: readonly Reservation[];
  /** Where a field or an element of a list stands, by its formatted path, in characters. */
  readonly places: ReadonlyMap<string, number>;
}

/** Gives fields their types. Every field that does not exist, and every value that does not fit, is a problem. */
export function readMessage<Type extends MessageType>(type: Type, fields: readonly TextField[]): ReadMessage<Type> {
  const reader = new MessageReader();
  const value = reader.message(type, fields, []) as MessageValue<Type>;
  return { value, problems: reader.problems, unread: reader.unread, places: reader.places };
}

type Path = readonly PropertyKey[];

class MessageReader {
  readonly problems: ConfigProblem[] = [];
  readonly unread: Reservation[] = [];
  readonly places = new Map<string, number>();

  message(type: MessageType, written: readonly TextField[], path: Path): Record<string, unknown> {
    const value = empty(type);
    /** The fields that are set, and those that exclude others, by the name of the choice. */
    const set = new Map<string, string>();
    for (const entry of written) {
      const { name, offset } = entry;
      const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
      if (field === undefined) {
        this.#problem(offset, [...path, name], 'there is no such field', hintFor(name, type));
        continue;
      }
      const key = field.choice ?? name;
      const other = set.get(key);
      set.set(key, name);
      const at = [...path, name];
      if (other !== undefined && field.many === 'one') {
        const both = other === name ? 'the field is there twice' : `${other} is set, which it excludes`;
        this.#problem(offset, at, both, 'keep one');
        continue;
      }
      this.#note(offset, at);
      value[name] = this.#field(field, entry, value[name], at);
    }
    return value;
  }

  /** What `before` becomes by one more mention of the field. */
  #field(field: FieldType, written: TextField, before: unknown, path: Path): unknown {
    const { values, offset, isList, hasColon } = written;
    if (!hasColon && field.many !== 'map' && !isMessage(field.type)) {
      this.#problem(values[0]?.offset ?? offset, path, 'expected : behind the name', null);
    }
    if (field.many === 'one' && isList) {
      this.#problem(offset, path, 'expected one value, found a list', null);
      return before;
    }
    const unread = this.unread.length;
    const after = this.#values(field, values, before, path);
    if (field.note?.isRead === false) {
      // It is not read as a whole: its own fields need not be told of.
      this.unread.length = unread;
      if (saysSomething(after, field.type)) this.unread.push({ offset, path, instead: field.note.text });
    }
    return after;
  }

  #values(field: FieldType, values: readonly TextValue[], before: unknown, path: Path): unknown {
    if (field.many === 'one') return this.#value(field.type, values[0]!, path);
    if (field.many === 'list') {
      const list = before as readonly unknown[];
      return [...list, ...values.map((value, index) => this.#value(field.type, value, [...path, list.length + index]))];
    }
    const entries = new Map(before as ReadonlyMap<string, unknown>);
    for (const value of values) {
      const [key, of] = this.#entry(field, value, path) ?? [];
      if (key !== undefined) entries.set(key, of);
    }
    return entries;
  }

  /** An entry of a map: later ones of the same key win. */
  #entry({ key, type }: FieldType, value: TextValue, path: Path): [key: string, value: unknown] | null {
    const one = { many: 'one', key: 'string', choice: null, note: null } as const;
    const entry = this.#value({ fields: { key: { ...one, type: key }, value: { ...one, type } } }, value, path);
    if (entry === undefined) return null;
    const { key: name = key === 'string' ? '' : 0, value: of } = entry as { key?: string | number; value?: unknown };
    // What is left out of an entry is a text or a message.
    return [String(name), of ?? (isMessage(type) ? empty(type) : '')];
  }

  /** Undefined where it does not fit, which is a problem. */
  #value(type: FieldType['type'], value: TextValue, path: Path): unknown {
    this.#note(value.offset, path);
    if (isMessage(type)) {
      if (value.kind === 'message') return this.message(type, value.fields, path);
      this.#problem(value.offset, path, `expected a message, { ... }, found ${describe(value)}`, null);
      return undefined;
    }
    const scalar = scalarOf(type, value);
    if (scalar !== null) return scalar;
    const similar = typeof type === 'object' && value.kind !== 'message' ? closestWord(value.text, type.names) : null;
    const hint = similar === null ? null : `did you mean ${similar}?`;
    this.#problem(value.offset, path, `expected ${describeType(type)}, found ${describe(value)}`, hint);
    return undefined;
  }

  /** The first mention of a path counts. */
  #note(offset: number, path: Path): void {
    const at = formatPath(path);
    if (!this.places.has(at)) this.places.set(at, offset);
  }

  #problem(offset: number, path: Path, message: string, hint: string | null): void {
    this.problems.push({ offset, path: formatPath(path), message, hint });
  }
}

function isMessage(type: FieldType['type']): type is MessageType {
  return typeof type === 'object' && 'fields' in type;
}

function empty({ fields }: MessageType): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { many }]) => [name, { one: undefined, list: [], map: new Map() }[many]]),
  );
}

/** Whether a value says anything else than its absence would. */
function saysSomething(value: unknown, type: FieldType['type']): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  if (typeof type === 'object' && 'names' in type) return value !== undefined && value !== type.names[0];
  if (typeof type !== 'object') return value !== undefined && value !== false && value !== 0 && value !== '';
  const parts = Object.entries((value ?? {}) as Readonly<Record<string, unknown>>);
  return parts.some(([name, of]) => saysSomething(of, type.fields[name]!.type));
}

function hintFor(name: string, type: MessageType): string {
  const known = Object.keys(type.fields);
  const similar = closestWord(name, known);
  return similar === null ? `the fields here are ${known.join(', ')}` : `did you mean ${similar}?`;
}

function describe(value: TextValue): string {
  switch (value.kind) {
    case 'message':
      return 'a message';
    case 'string':
      return `the text ${JSON.stringify(value.text)}`;
    case 'word':
      return value.text;
  }
}
