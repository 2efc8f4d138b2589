/** Types of the messages that a config.pbtxt is made of, with what becomes of each field here. */

/** The scalars of protobuf, and what each is in TypeScript. */
interface Scalars {
  readonly string: string;
  readonly bool: boolean;
  readonly int32: number;
  readonly int64: number;
  readonly uint32: number;
  readonly uint64: number;
  readonly float: number;
  readonly double: number;
}

export type ScalarType = keyof Scalars;

/** Names in the order of their numbers, from 0. */
export interface EnumType<Name extends string = string> {
  readonly names: readonly Name[];
}

type Fields = Readonly<Record<string, FieldType>>;

export interface MessageType<Of extends Fields = Fields> {
  readonly fields: Of;
}

/** What a message says: lists and maps are always there, anything else is undefined where it is left out. */
export type MessageValue<Type extends MessageType> = {
  readonly [Name in keyof Type['fields']]: Type['fields'][Name] extends FieldType<infer Value> ? Value : never;
};

type Kind = ScalarType | EnumType | MessageType;

type ValueOf<Of extends Kind> = Of extends ScalarType
  ? Scalars[Of]
  : Of extends EnumType<infer Name>
    ? Name
    : Of extends MessageType
      ? MessageValue<Of>
      : never;

/** `Value` is only for the compiler. */
export interface FieldType<Value = unknown> {
  readonly type: Kind;
  /** map: messages with the fields `key` and `value`; the type is that of the values. */
  readonly many: 'one' | 'list' | 'map';
  /** Of the keys of a map. */
  readonly key: 'string' | 'uint64';
  /** Fields of a message that share a name here exclude one another. */
  readonly choice: string | null;
  /** What becomes of it; null: the field that it is part of says so. */
  readonly note: FieldNote | null;
  readonly value?: Value;
}

export interface FieldNote {
  /** What is not read is warned of where a file sets it. */
  readonly isRead: boolean;
  /** For the reference; of a field that is not read, what happens instead. Empty: its own fields say so. */
  readonly text: string;
}

function field<Of extends Kind>(type: Of, note: FieldNote | null): FieldType<ValueOf<Of> | undefined> {
  return { type, many: 'one', key: 'string', choice: null, note };
}

/** Read; `text` says as what, or under which reservation. */
export function read<Of extends Kind>(type: Of, text: string): FieldType<ValueOf<Of> | undefined> {
  return field(type, { isRead: true, text });
}

/** Not read; `text` says what happens instead. */
export function ignored<Of extends Kind>(type: Of, text: string): FieldType<ValueOf<Of> | undefined> {
  return field(type, { isRead: false, text });
}

/** Part of a field that says what becomes of it. */
export function part<Of extends Kind>(type: Of): FieldType<ValueOf<Of> | undefined> {
  return field(type, null);
}

export function list<Value>({ type, key, choice, note }: FieldType<Value>): FieldType<readonly NonNullable<Value>[]> {
  return { type, many: 'list', key, choice, note };
}

/** Keys are texts, whatever they are in the file. */
export function map<Value>(
  { type, choice, note }: FieldType<Value>,
  key: FieldType['key'] = 'string',
): FieldType<ReadonlyMap<string, NonNullable<Value>>> {
  return { type, many: 'map', key, choice, note };
}

/** One of several fields that exclude one another. */
export function oneOf<Value>(choice: string, of: FieldType<Value>): FieldType<Value> {
  return { ...of, choice };
}

export function message<const Of extends Fields>(fields: Of): MessageType<Of> {
  return { fields };
}

export function names<const Names extends readonly string[]>(...all: Names): EnumType<Names[number]> {
  return { names: all };
}
