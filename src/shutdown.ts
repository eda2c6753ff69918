const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
// Ctrl-C under npm arrives twice: from the terminal, and handed on by npm.
const SAME_MS = 500;

/** Aborted by the first signal that asks this process to stop; a second one, later, ends the process at once. */
export function stopOnSignals(): AbortSignal {
  const stopping = new AbortController();
  let firstAt = 0;
  const onSignal = () => {
    if (!stopping.signal.aborted) {
      firstAt = performance.now();
      stopping.abort();
    } else if (performance.now() - firstAt > SAME_MS) {
      process.exit(1);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return stopping.signal;
}
