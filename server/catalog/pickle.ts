import { CatalogError } from './catalog-error.js';

/**
 * What a pickle may hold here. Lists and tuples are arrays, dicts are maps. A Global only names a Python class or
 * function: nothing is ever looked up or run.
 */
export type PickleValue =
  null | boolean | number | bigint | string | PickleValue[] | PickleMap | PickleGlobal | { readonly opaque: unknown };

export type PickleMap = Map<PickleValue, PickleValue>;

export class PickleGlobal {
  constructor(
    /** `module.name` */
    readonly path: string,
  ) {}
}

/** What the owner of the format makes of the parts that Python would run code for. All of them throw to refuse. */
export interface PickleHooks {
  /** Whether the pickle may name this class or function at all. */
  allows(path: string): boolean;
  /** The result of calling an allowed function. */
  call(path: string, args: readonly PickleValue[]): PickleValue;
  /** The object that a persistent id stands for. */
  load(id: PickleValue): PickleValue;
}

/** Opcodes of pickle protocol 2 that dicts, lists, numbers, text and tensors need. */
const Op = {
  MARK: 0x28,
  EMPTY_TUPLE: 0x29,
  STOP: 0x2e,
  BININT: 0x4a,
  BININT1: 0x4b,
  BININT2: 0x4d,
  NONE: 0x4e,
  BINPERSID: 0x51,
  REDUCE: 0x52,
  BINUNICODE: 0x58,
  EMPTY_LIST: 0x5d,
  APPEND: 0x61,
  BUILD: 0x62,
  GLOBAL: 0x63,
  APPENDS: 0x65,
  BINGET: 0x68,
  LONG_BINGET: 0x6a,
  BINPUT: 0x71,
  LONG_BINPUT: 0x72,
  SETITEM: 0x73,
  TUPLE: 0x74,
  SETITEMS: 0x75,
  EMPTY_DICT: 0x7d,
  PROTO: 0x80,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  LONG1: 0x8a,
} as const;

/**
 * Reads one pickle from `bytes`, starting at `start`, without running anything that it asks for. Throws CatalogError
 * at the first opcode or global that plain data does not need. `end` is where the next thing in the file begins.
 */
export function readPickle(bytes: Uint8Array, start: number, hooks: PickleHooks): { value: PickleValue; end: number } {
  const machine = new PickleMachine(bytes, start, hooks);
  const value = machine.run();
  return { value, end: machine.position };
}

class PickleMachine {
  readonly #view: DataView;
  readonly #stack: PickleValue[] = [];
  /** Lengths of the stack at the open marks. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  position: number;

  constructor(
    private readonly bytes: Uint8Array,
    start: number,
    private readonly hooks: PickleHooks,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = start;
  }

  run(): PickleValue {
    for (;;) {
      const at = this.position;
      const op = this.#byte();
      if (op === Op.STOP) return this.#pop();
      this.#step(op, at);
    }
  }

  #step(op: number, at: number): void {
    const stack = this.#stack;
    switch (op) {
      case Op.PROTO:
        if (this.#byte() !== 2) throw refused('pickle protocol other than 2', at);
        return;
      case Op.MARK:
        this.#marks.push(stack.length);
        return;
      case Op.NONE:
        stack.push(null);
        return;
      case Op.NEWTRUE:
      case Op.NEWFALSE:
        stack.push(op === Op.NEWTRUE);
        return;
      case Op.BININT1:
        stack.push(this.#byte());
        return;
      case Op.BININT2:
        stack.push(this.#view.getUint16(this.#take(2), true));
        return;
      case Op.BININT:
        stack.push(this.#view.getInt32(this.#take(4), true));
        return;
      case Op.LONG1:
        stack.push(this.#long(this.#byte()));
        return;
      case Op.BINUNICODE:
        stack.push(this.#text(this.#view.getUint32(this.#take(4), true)));
        return;
      case Op.EMPTY_TUPLE:
      case Op.EMPTY_LIST:
        stack.push([]);
        return;
      case Op.EMPTY_DICT:
        stack.push(new Map());
        return;
      case Op.TUPLE:
        stack.push(this.#popToMark());
        return;
      case Op.TUPLE1:
      case Op.TUPLE2:
      case Op.TUPLE3: {
        const items = [];
        for (let count = op - Op.TUPLE1 + 1; count > 0; count--) items.unshift(this.#pop());
        stack.push(items);
        return;
      }
      case Op.APPEND:
      case Op.APPENDS: {
        const items = op === Op.APPEND ? [this.#pop()] : this.#popToMark();
        const list = stack.at(-1);
        if (!Array.isArray(list)) throw refused('an item for what is no list', at);
        for (const item of items) list.push(item);
        return;
      }
      case Op.SETITEM:
      case Op.SETITEMS:
        this.#setItems(op === Op.SETITEM ? [this.#pop(), this.#pop()].reverse() : this.#popToMark(), at);
        return;
      case Op.BINPUT:
        this.#memo.set(this.#byte(), this.#top());
        return;
      case Op.LONG_BINPUT:
        this.#memo.set(this.#view.getUint32(this.#take(4), true), this.#top());
        return;
      case Op.BINGET:
        stack.push(this.#recall(this.#byte(), at));
        return;
      case Op.LONG_BINGET:
        stack.push(this.#recall(this.#view.getUint32(this.#take(4), true), at));
        return;
      case Op.GLOBAL: {
        const path = `${this.#line()}.${this.#line()}`;
        if (!this.hooks.allows(path)) throw refused(`the Python object ${path}`, at);
        stack.push(new PickleGlobal(path));
        return;
      }
      case Op.REDUCE: {
        const [args, callee] = [this.#pop(), this.#pop()];
        if (!(callee instanceof PickleGlobal) || !Array.isArray(args))
          throw refused('a call of what is no function', at);
        stack.push(this.hooks.call(callee.path, args));
        return;
      }
      case Op.BUILD:
        // Attributes of a dict (`_metadata`) say nothing about the tensors.
        this.#pop();
        if (!(this.#top() instanceof Map)) throw refused('the state of an object that is no dict', at);
        return;
      case Op.BINPERSID:
        stack.push(this.hooks.load(this.#pop()));
        return;
      default:
        throw refused(`opcode 0x${op.toString(16).padStart(2, '0')}`, at);
    }
  }

  #setItems(items: readonly PickleValue[], at: number): void {
    const map = this.#top();
    if (!(map instanceof Map) || items.length % 2 !== 0) throw refused('a key for what is no dict', at);
    for (let index = 0; index < items.length; index += 2) map.set(items[index] ?? null, items[index + 1] ?? null);
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined) throw refused('an operation on an empty stack', this.position);
    return value;
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined || mark > this.#stack.length) throw refused('an end without a mark', this.position);
    return this.#stack.splice(mark);
  }

  #recall(key: number, at: number): PickleValue {
    const value = this.#memo.get(key);
    if (value === undefined) throw refused(`a reference to ${key}, which was never stored`, at);
    return value;
  }

  /** Moves on by `length` bytes and returns where they begin. */
  #take(length: number): number {
    const start = this.position;
    if (start + length > this.bytes.length) throw new CatalogError('The checkpoint is cut short inside a pickle.');
    this.position += length;
    return start;
  }

  #byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  #text(length: number): string {
    const start = this.#take(length);
    return new TextDecoder('utf-8', { fatal: true }).decode(this.bytes.subarray(start, start + length));
  }

  #line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    const line = this.#text((end === -1 ? this.bytes.length : end) - this.position);
    this.#take(1);
    return line;
  }

  /** A little-endian integer in two's complement. */
  #long(length: number): number | bigint {
    const start = this.#take(length);
    let value = 0n;
    for (let index = length - 1; index >= 0; index--) value = value * 256n + BigInt(this.bytes[start + index] ?? 0);
    const signed = BigInt.asIntN(length * 8, value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }
}

function refused(what: string, at: number): CatalogError {
  return new CatalogError(
    `The checkpoint is refused: at byte ${at} its pickle holds ${what}, which weights do not need.`,
  );
}
