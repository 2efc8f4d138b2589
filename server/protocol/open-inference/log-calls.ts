import { ServingError } from '../../core/errors.js';
import { LOG_LEVELS, type LogControl, type LogLevel } from '../../core/log-level.js';
import type {
  LogSettingsRequest,
  LogSettingsResponse,
  LogSettingsResponse_SettingValue as LogValue,
} from '../../gen/inference/grpc_service.js';

/** What the running server logs. */
export function logCalls(log: LogControl) {
  return {
    logSettings: async ({ settings }: LogSettingsRequest): Promise<LogSettingsResponse> => {
      if (Object.keys(settings).length > 0) await log.set(wantedLevel(log.get(), settings));
      return { settings: settingsOf(log.get()) };
    },
  };
}

/** From this severity on the setting has its lines logged. */
const SWITCHES = { log_info: 'info', log_warning: 'warn', log_error: 'error' } as const;

/** Verbosity of the levels below info. */
const VERBOSE: Partial<Record<LogLevel, number>> = { debug: 1, trace: 2 };

function settingsOf(level: LogLevel): LogSettingsResponse['settings'] {
  const logs = (severity: LogLevel): boolean => LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(severity);
  return {
    log_file: text(''),
    log_format: text('default'),
    log_verbose_level: { parameterChoice: { $case: 'uint32Param', uint32Param: VERBOSE[level] ?? 0 } },
    ...Object.fromEntries(
      Object.entries(SWITCHES).map(([name, severity]): [string, LogValue] => {
        return [name, { parameterChoice: { $case: 'boolParam', boolParam: logs(severity) } }];
      }),
    ),
  };
}

function text(stringParam: string): LogValue {
  return { parameterChoice: { $case: 'stringParam', stringParam } };
}

/** The level that the settings ask for: the lowest that is switched on. Throws INVALID_REQUEST. */
function wantedLevel(now: LogLevel, changes: LogSettingsRequest['settings']): LogLevel {
  const settings = { ...settingsOf(now), ...changes };
  const known = settingsOf(now);
  for (const [name, { parameterChoice }] of Object.entries(changes)) {
    const kind = Object.hasOwn(known, name) ? known[name]!.parameterChoice!.$case : null;
    if (kind === null) {
      throw new ServingError(
        'INVALID_REQUEST',
        `there is no setting ${name}; there are ${Object.keys(known).join(', ')}`,
      );
    }
    if (parameterChoice?.$case !== kind)
      throw new ServingError('INVALID_REQUEST', `${name} must be a ${kind.replace('Param', '')}`);
    if (parameterChoice.$case === 'stringParam' && parameterChoice.stringParam !== textOf(known[name]!)) {
      const why = name === 'log_file' ? 'the log goes to standard output' : 'set --log-format';
      throw new ServingError('INVALID_REQUEST', `${name} cannot be changed: ${why}`);
    }
  }
  const verbose = settings['log_verbose_level']!.parameterChoice;
  if (verbose?.$case === 'uint32Param' && verbose.uint32Param > 0) return verbose.uint32Param === 1 ? 'debug' : 'trace';
  const on = Object.entries(SWITCHES).find(([name]) => {
    const choice = settings[name]!.parameterChoice;
    return choice?.$case === 'boolParam' && choice.boolParam;
  });
  return on?.[1] ?? 'fatal';
}

function textOf({ parameterChoice }: LogValue): string {
  return parameterChoice?.$case === 'stringParam' ? parameterChoice.stringParam : '';
}
