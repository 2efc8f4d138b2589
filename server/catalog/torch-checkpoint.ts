import { unzipSync } from 'fflate';
import { errorMessage } from '../core/errors.js';
import { CatalogError } from './catalog-error.js';
import { PickleGlobal, readPickle, type PickleHooks, type PickleValue } from './pickle.js';

/** A tensor of a checkpoint, its elements contiguous in row-major order. */
export type TorchTensor =
  | { readonly type: 'float32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly type: 'int64'; readonly shape: readonly number[]; readonly data: BigInt64Array };

/** Most elements of one tensor: strides of 0 could ask for any number of them. */
const MOST_ELEMENTS = 2 ** 28;

/** First pickle of a file of the older format. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

const STORAGE_TYPES: ReadonlyMap<string, TorchTensor['type']> = new Map([
  ['torch.FloatStorage', 'float32'],
  ['torch.LongStorage', 'int64'],
]);
const ELEMENT_BYTES = { float32: 4, int64: 8 } as const;

/** A run of elements that tensors are cut from. */
class Storage {
  readonly opaque = 'storage';
  constructor(
    readonly key: string,
    readonly type: TorchTensor['type'],
    readonly count: number,
  ) {}
}

/** A tensor whose elements have not been read yet. */
class TensorView {
  readonly opaque = 'tensor';
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/**
 * Reads the state dict that `torch.save` wrote, in its zip format or in the pickle format from before PyTorch 1.6,
 * without PyTorch and without running code of the file. float32 and int64 tensors on any device. Throws CatalogError
 * where the file is something else, is cut short, or holds anything but tensors by name.
 */
export function readTorchCheckpoint(bytes: Uint8Array): Map<string, TorchTensor> {
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  const { root, storageBytes } = isZip ? readZipFormat(bytes) : readLegacyFormat(bytes);
  if (!(root instanceof Map)) throw new CatalogError('The checkpoint holds no state dict (tensors by name).');
  const tensors = new Map<string, TorchTensor>();
  for (const [name, value] of root) {
    if (typeof name !== 'string' || !(value instanceof TensorView)) {
      throw new CatalogError(`The checkpoint holds no state dict: entry ${JSON.stringify(name)} is not a tensor.`);
    }
    tensors.set(name, materialise(name, value, storageBytes(value.storage)));
  }
  return tensors;
}

interface Parts {
  readonly root: PickleValue;
  readonly storageBytes: (storage: Storage) => Uint8Array;
}

/** An archive with one directory: the pickle `data.pkl` and a file `data/<key>` for each storage. */
function readZipFormat(bytes: Uint8Array): Parts {
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes);
  } catch (cause) {
    throw new CatalogError(`The checkpoint is a damaged zip archive: ${errorMessage(cause)}.`, { cause });
  }
  const pickleName = Object.keys(files).find((name) => /^[^/]+\/data\.pkl$/.test(name));
  const pickle = files[pickleName ?? ''];
  if (pickleName === undefined || pickle === undefined) {
    throw new CatalogError('The checkpoint is a zip archive without data.pkl; it was not written by torch.save.');
  }
  const directory = pickleName.slice(0, -'data.pkl'.length);
  const byteOrder = files[`${directory}byteorder`];
  if (byteOrder !== undefined && new TextDecoder().decode(byteOrder) !== 'little') throw bigEndian();
  return {
    root: readPickle(pickle, 0, stateDictHooks()).value,
    storageBytes: ({ key }) => {
      const data = files[`${directory}data/${key}`];
      if (data === undefined) throw new CatalogError(`The checkpoint lacks the storage ${key}.`);
      return data;
    },
  };
}

/** Pickles one after the other (magic, version, system, state dict, keys), then each storage: its count, its bytes. */
function readLegacyFormat(bytes: Uint8Array): Parts {
  const types = new Map<string, TorchTensor['type']>();
  const hooks = stateDictHooks(types);
  let position = 0;
  const next = (): PickleValue => {
    const { value, end } = readPickle(bytes, position, hooks);
    position = end;
    return value;
  };
  if (bytes[0] !== 0x80 || next() !== LEGACY_MAGIC || next() !== LEGACY_PROTOCOL) {
    throw new CatalogError('The file is not a PyTorch checkpoint.');
  }
  const system = next();
  if (system instanceof Map && system.get('little_endian') === false) throw bigEndian();
  const root = next();
  const keys = next();
  if (!Array.isArray(keys)) throw new CatalogError('The checkpoint has no list of its storages.');

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const storages = new Map<string, Uint8Array>();
  for (const key of keys) {
    const type = typeof key === 'string' ? types.get(key) : undefined;
    if (typeof key !== 'string' || type === undefined)
      throw new CatalogError('The checkpoint lists a storage of no tensor.');
    const start = position + 8;
    const count = start <= bytes.length ? Number(view.getBigInt64(position, true)) : Infinity;
    position = start + count * ELEMENT_BYTES[type];
    if (!(count >= 0 && position <= bytes.length))
      throw new CatalogError('The checkpoint is cut short inside its tensors.');
    storages.set(key, bytes.subarray(start, position));
  }
  return {
    root,
    storageBytes: ({ key }) => {
      const data = storages.get(key);
      if (data === undefined) throw new CatalogError(`The checkpoint lacks the storage ${key}.`);
      return data;
    },
  };
}

/** The classes and functions of a state dict, and what they mean here. `types` collects the storages met. */
function stateDictHooks(types = new Map<string, TorchTensor['type']>()): PickleHooks {
  return {
    allows: (path) =>
      path === 'collections.OrderedDict' || path === 'torch._utils._rebuild_tensor_v2' || STORAGE_TYPES.has(path),
    call: (path, args) => {
      if (path === 'collections.OrderedDict' && args.length === 0) return new Map();
      if (path === 'torch._utils._rebuild_tensor_v2') return tensorView(args);
      throw new CatalogError(`The checkpoint is refused: it calls ${path} in a way that weights do not need.`);
    },
    load: (id) => {
      const storage = storageOf(id);
      types.set(storage.key, storage.type);
      return storage;
    },
  };
}

/** `('storage', type, key, device, count)`, in the older format with a sixth item that is None. */
function storageOf(id: PickleValue): Storage {
  const [kind, global, key, , count, view = null] = Array.isArray(id) ? id : [];
  const path = global instanceof PickleGlobal ? global.path : '';
  const type = STORAGE_TYPES.get(path);
  if (kind !== 'storage' || type === undefined || typeof key !== 'string' || !isCount(count) || view !== null) {
    throw new CatalogError('The checkpoint is refused: it refers to something that is not a storage of numbers.');
  }
  return new Storage(key, type, count);
}

/** `(storage, offset, shape, strides, requires_grad, hooks)`, offset and strides in elements. */
function tensorView([storage, offset, shape, strides]: readonly PickleValue[]): TensorView {
  const isCounts = (value: PickleValue | undefined): value is number[] => Array.isArray(value) && value.every(isCount);
  const sound = storage instanceof Storage && isCount(offset) && isCounts(shape) && isCounts(strides);
  if (!sound || shape.length !== strides.length) {
    throw new CatalogError('The checkpoint is refused: it describes a tensor without storage, shape or strides.');
  }
  return new TensorView(storage, offset, shape, strides);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function materialise(name: string, view: TensorView, bytes: Uint8Array): TorchTensor {
  const { offset, shape, strides, storage } = view;
  const count = shape.reduce((product, dim) => product * dim, 1);
  const last = offset + shape.reduce((sum, dim, axis) => sum + (dim - 1) * (strides[axis] ?? 0), 0);
  const held = Math.min(storage.count, Math.floor(bytes.length / ELEMENT_BYTES[storage.type]));
  if (count > MOST_ELEMENTS || (count > 0 && last >= held)) {
    throw new CatalogError(
      `The checkpoint is damaged: tensor '${name}' [${shape.join(', ')}] reaches beyond its data.`,
    );
  }
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (storage.type === 'float32') {
    const data = new Float32Array(count);
    gather(view, (to, from) => (data[to] = source.getFloat32(from * 4, true)));
    return { type: 'float32', shape, data };
  }
  const data = new BigInt64Array(count);
  gather(view, (to, from) => (data[to] = source.getBigInt64(from * 8, true)));
  return { type: 'int64', shape, data };
}

/** Visits every element in row-major order with its place in the storage. */
function gather({ offset, shape, strides }: TensorView, visit: (to: number, from: number) => void): void {
  if (shape.includes(0)) return;
  const index = shape.map(() => 0);
  for (let to = 0, from = offset; ; to++) {
    visit(to, from);
    let axis = shape.length - 1;
    for (; axis >= 0; axis--) {
      const [size, stride, at] = [shape[axis] ?? 1, strides[axis] ?? 0, (index[axis] ?? 0) + 1];
      from += stride;
      index[axis] = at;
      if (at < size) break;
      from -= stride * size;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

function bigEndian(): CatalogError {
  return new CatalogError('The checkpoint was written on a big-endian machine; save it again on a little-endian one.');
}
