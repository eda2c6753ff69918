/** Prints a line to standard error. Standard output is for what a command writes. */
export function printMessage(message: string): void {
  process.stderr.write(`${message}\n`);
}

/** Prisma puts lines about the call before what went wrong. */
const PRISMA_CALL = /^\s*Invalid `prisma\.[\s\S]*\n/;

/** Prints why a command failed. Some errors of Node have a code and an empty message. */
export function printFailure(command: string, error: unknown): void {
  const { message, code } = error as Error & { code?: unknown };
  printMessage(`audit-log ${command}: ${message.replace(PRISMA_CALL, '') || String(code ?? error)}`);
}
