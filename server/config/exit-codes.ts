/** How a command ends. The reference (server/REFERENCE.md) shows this table. */
export const EXIT_CODES = {
  OK: { code: 0, meaning: 'Done; a server was told to stop and has answered every frame it had taken.' },
  FAILED: { code: 1, meaning: 'The command failed; standard error says why.' },
  USAGE: {
    code: 2,
    meaning: 'A flag, an argument or a `SLUICE_` variable is wrong; standard error lists all of them.',
  },
  CUT_OFF: { code: 3, meaning: 'A server was told to stop, and `--exit-timeout` passed with frames unanswered.' },
  DEVICE_LOST: {
    code: 4,
    meaning:
      'A GPU or its driver failed for good. The server has drained what it could and has to be started again, as ' +
      'Kubernetes does by itself.',
  },
} as const;
