/**
 * Waits for `work` until `timeoutMs` have passed, then returns or throws as `onLate` does. The work itself goes on, so its
 * caller has to make sure that it ends.
 */
export async function withDeadline<Result>(
  work: Promise<Result>,
  timeoutMs: number,
  onLate: () => Result,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  try {
    return await Promise.race([work, late.then(onLate)]);
  } finally {
    clearTimeout(timer);
  }
}
