import { flagName, type OptionName, type ServerOptions } from './option-table.js';

const FILES = ['grpcServerCert', 'grpcServerKey', 'grpcRootCert'] as const satisfies readonly OptionName[];

/** What is wrong with options of security that are right one by one. */
export function securityContradictions(options: ServerOptions): string[] {
  return [...tlsContradictions(options), ...addressContradictions(options)];
}

function tlsContradictions(options: ServerOptions): string[] {
  const problems: string[] = [];
  const tls = options.grpcUseSsl || options.httpUseSsl;
  const mutual = options.grpcUseSslMutual || options.httpUseSslMutual;
  for (const name of FILES) {
    const wanted = name === 'grpcRootCert' ? mutual : tls;
    const switches = name === 'grpcRootCert' ? '--grpc-use-ssl-mutual' : '--grpc-use-ssl or --http-use-ssl';
    if (wanted && options[name] === null) problems.push(`${flagName(name)}: expected a file, as ${switches} needs it`);
    if (!wanted && options[name] !== null) {
      problems.push(`${flagName(name)}: only has a meaning with ${switches} true`);
    }
  }
  for (const [mutualName, name] of [
    ['grpcUseSslMutual', 'grpcUseSsl'],
    ['httpUseSslMutual', 'httpUseSsl'],
  ] as const) {
    if (options[mutualName] && !options[name]) {
      problems.push(`${flagName(mutualName)}: only has a meaning with ${flagName(name)} true`);
    }
  }
  return problems;
}

function addressContradictions({ adminAddress: admin, ...options }: ServerOptions): string[] {
  if (admin === null) return [];
  const problems: string[] = [];
  for (const name of ['grpcAddress', 'httpAddress'] as const) {
    const other = options[name];
    if (admin.port !== 0 && admin.port === other.port && admin.host === other.host) {
      problems.push(`--admin-address: expected another port than that of ${flagName(name)}`);
    }
  }
  if (admin.port === 0 && options.processes > 1) {
    problems.push('--admin-address: expected a port other than 0, as several --processes have to agree on it');
  }
  return problems;
}
