/** The fields of an encoded protobuf message, without knowing what they mean. */

export interface WireField {
  readonly number: number;
  readonly value: WireValue;
}

export type WireValue =
  | { readonly wire: 0; readonly varint: bigint }
  | { readonly wire: 1 | 5; readonly fixed: Uint8Array }
  | { readonly wire: 2; readonly bytes: Uint8Array };

/** Null: these bytes are no message, or one with groups. */
export function readFields(bytes: Uint8Array): WireField[] | null {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint | null => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) return null;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return null;
  };
  const take = (length: number): Uint8Array | null => {
    at += length;
    return at <= bytes.length ? bytes.subarray(at - length, at) : null;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === null || tag < 8n || tag > 0xffff_ffffn) return null;
    const [number, wire] = [Number(tag >> 3n), Number(tag & 7n)];
    let value: WireValue;
    if (wire === 0) {
      const found = varint();
      if (found === null) return null;
      value = { wire, varint: found };
    } else if (wire === 1 || wire === 5) {
      const fixed = take(wire === 1 ? 8 : 4);
      if (fixed === null) return null;
      value = { wire, fixed };
    } else if (wire === 2) {
      const length = varint();
      const found = length === null || length > BigInt(bytes.length) ? null : take(Number(length));
      if (found === null) return null;
      value = { wire, bytes: found };
    } else return null;
    fields.push({ number, value });
  }
  return fields;
}

export function writeFields(fields: readonly WireField[]): Buffer {
  return Buffer.concat(
    fields.flatMap(({ number, value }) => {
      const tag = writeVarint((BigInt(number) << 3n) | BigInt(value.wire));
      if (value.wire === 0) return [tag, writeVarint(value.varint)];
      if (value.wire === 2) return [tag, writeVarint(BigInt(value.bytes.length)), value.bytes];
      return [tag, value.fixed];
    }),
  );
}

export function writeVarint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
