// The errors that stop a process or a command line, each with its exit code; what a client is answered is in http/problems.ts.

/** Why a process ended: sysexits.h numbers, so that a supervisor knows which ends a restart would only repeat. */
export const EXIT = {
  stopped: 0,
  badConfiguration: 64,
  logUnreachable: 69,
  brokenAssertion: 70,
  damagedData: 74,
  /** Start again: a snapshot brings it up to date. */
  leftBehind: 75,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error that ends the process: a sentence for the operator that says what to do next, and the exit code. */
export class FatalError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FatalError';
    this.exitCode = exitCode;
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
