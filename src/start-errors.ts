import type { Config } from './config.ts';

const LISTEN_ADVICE: Record<string, string> = {
  EADDRINUSE: 'another program listens there: stop it, or set PORT to a free port (0: any)',
  EACCES: 'this user may not listen there: set PORT to one of 1024 or more',
};
const OTHER_LISTEN_ADVICE =
  'set HOST to an address of this machine (127.0.0.1: this machine alone, 0.0.0.0: all)';

/** Does a step of the start that depends on a setting. What it throws names the setting and says what to do. */
export async function namingSetting<T>(
  setting: string,
  advice: string | ((error: NodeJS.ErrnoException) => string),
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const message = messageOf(error);
    if (message.includes(setting)) throw error;
    const toDo = typeof advice === 'string' ? advice : advice(error as NodeJS.ErrnoException);
    throw new Error(`${setting}: ${message}; ${toDo}`, { cause: error });
  }
}

/** The setting that says how the owner of the tables connects. */
export function ownerSetting({ DATABASE_ADMIN_URL, DATABASE_URL, DATA_DIR }: Config): string {
  if (DATABASE_ADMIN_URL !== undefined) return 'DATABASE_ADMIN_URL';
  return DATABASE_URL === undefined ? `the PostgreSQL under DATA_DIR (${DATA_DIR})` : 'DATABASE_URL';
}

export function listenAdvice({ code = '' }: NodeJS.ErrnoException): string {
  return LISTEN_ADVICE[code] ?? OTHER_LISTEN_ADVICE;
}

// A name with several addresses fails with an error for each, and no message of its own.
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ');
  return (error as Error).message;
}
