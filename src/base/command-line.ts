// How the commands beside main.ts end: by their exit code, an error as one sentence.
import { type ExitCode, FatalError, messageOf } from './errors.ts';

/** Runs a command upon the words that follow its file's name. What throws no exit code of its own ends it with `onError`. */
export async function runCommand(
  command: (words: readonly string[]) => Promise<ExitCode>,
  onError: number,
): Promise<void> {
  try {
    process.exitCode = await command(process.argv.slice(2));
  } catch (error) {
    console.error(`chorus: ${messageOf(error)}`);
    process.exitCode = error instanceof FatalError ? error.exitCode : onError;
  }
}
