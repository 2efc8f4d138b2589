import {
  DataType,
  ModelInput_Format as Format,
  ModelInstanceGroup_Kind as Kind,
  ModelQueuePolicy_TimeoutAction as TimeoutAction,
} from '../../../gen/inference/model_config.js';

/** Fields that are enumerations, which JSON has by name. Within a group of instances `kind`, nowhere else. */
const ENUMS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  dataType: DataType,
  format: Format,
  'instanceGroup.kind': Kind,
  timeoutAction: TimeoutAction,
};

/** Fields whose keys are names of the user's. */
const MAPS = new Set(['parameters', 'inputMap', 'outputMap', 'metricTags', 'ccModelFilenames', 'responseStats']);

/** A message of the protocol as its REST form has it: names in snake_case, whole numbers of 64 bits as numbers. */
export function messageText(message: unknown, field = ''): string {
  if (typeof message === 'bigint') return String(message);
  if (typeof message !== 'object' || message === null) return JSON.stringify(message);
  if (Array.isArray(message)) return `[${message.map((value) => messageText(value, field)).join(',')}]`;
  const entries = message instanceof Map ? [...message] : Object.entries(message).flatMap(chosen);
  const verbatim = message instanceof Map || MAPS.has(field);
  const members = (entries as [string | bigint, unknown][])
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const key = verbatim ? String(name) : snakeCase(String(name));
      return `${JSON.stringify(key)}:${valueText(String(name), value, field)}`;
    });
  return `{${members.join(',')}}`;
}

function valueText(name: string, value: unknown, parent: string): string {
  const names = ENUMS[name] ?? ENUMS[`${parent}.${name}`];
  return typeof value === 'number' && names !== undefined ? JSON.stringify(names[value]) : messageText(value, name);
}

/** Of a oneof, the one that is set stands for itself. */
function chosen([name, value]: [string, unknown]): [string, unknown][] {
  if (typeof value !== 'object' || value === null || !('$case' in value)) return [[name, value]];
  const { $case: choice, ...values } = value as { readonly $case: string; readonly [name: string]: unknown };
  return [[choice, values[choice]]];
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
