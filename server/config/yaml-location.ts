import { isAlias, isMap, isScalar, isSeq, type Document, type Node } from 'yaml';

/** Places in the text of a YAML document, as offsets of characters. Paths are those of the plain values. */

/** Where the value at `path` starts; where it is missing, what should hold it; else the start of the file. */
export function nearestOffset(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = nodeAt(document, path.slice(0, length));
    const key = path[length - 1];
    const offset = length === path.length || typeof key === 'number' ? node?.range?.[0] : undefined;
    const found = offset ?? keyOffset(document, path.slice(0, length - 1), String(key));
    if (found !== undefined) return found;
  }
  return document.contents?.range?.[0] ?? 0;
}

/** Where the key starts that is in the mapping at `parent`; undefined: it is not there. */
export function keyOffset(document: Document, parent: readonly PropertyKey[], key: string): number | undefined {
  const map = nodeAt(document, parent);
  if (!isMap(map)) return undefined;
  const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
  return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
}

function nodeAt(document: Document, path: readonly PropertyKey[]): Node | undefined {
  let node: unknown = document.contents;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      node = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))?.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
    } else {
      return undefined;
    }
  }
  return (node ?? undefined) as Node | undefined;
}
