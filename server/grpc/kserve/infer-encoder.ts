import { ModelInferResponse, ModelStreamInferResponse } from '../../gen/inference/grpc_service.js';

/** Tags of length-delimited fields: ModelInferResponse.raw_output_contents, ModelStreamInferResponse.infer_response. */
const RAW_OUTPUT_CONTENTS = (6 << 3) | 2;
const INFER_RESPONSE = (2 << 3) | 2;

/** The bytes of an answer. The generated encoder copies outputs several times; here they are copied once. */
export function encodeInferResponse(response: ModelInferResponse): Buffer {
  return encode(response, false);
}

/** The same for an answer of a stream. */
export function encodeStreamResponse(response: ModelStreamInferResponse): Buffer {
  const { errorMessage, inferResponse } = response;
  if (errorMessage === '' && inferResponse !== undefined) return encode(inferResponse, true);
  return Buffer.from(ModelStreamInferResponse.encode(response).finish());
}

/** `inside`: as the field of an answer of a stream. */
function encode(response: ModelInferResponse, inside: boolean): Buffer {
  const head = ModelInferResponse.encode({ ...response, rawOutputContents: [] }).finish();
  let length = head.length;
  for (const { length: bytes } of response.rawOutputContents) length += 1 + sizeOf(bytes) + bytes;
  const buffer = Buffer.allocUnsafe(inside ? 1 + sizeOf(length) + length : length);
  let at = inside ? writeTag(buffer, 0, INFER_RESPONSE, length) : 0;
  buffer.set(head, at);
  at += head.length;
  for (const data of response.rawOutputContents) {
    at = writeTag(buffer, at, RAW_OUTPUT_CONTENTS, data.length);
    buffer.set(data, at);
    at += data.length;
  }
  return buffer;
}

/** Writes a tag of one byte and the length behind it; returns where that ends. */
function writeTag(buffer: Buffer, start: number, tag: number, length: number): number {
  let at = start;
  buffer[at++] = tag;
  let rest = length;
  while (rest > 0x7f) {
    buffer[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[at++] = rest;
  return at;
}

/** Bytes of a varint. */
function sizeOf(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}
