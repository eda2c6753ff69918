let failed: string[] = [];

/** The tests of the running file that have failed. */
export function failedTests(): readonly string[] {
  return failed;
}

export function noteFailure(name: string): void {
  failed.push(name);
}

/** Called where a test file begins. */
export function forgetFailures(): void {
  failed = [];
}
