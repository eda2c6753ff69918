/**
 * The same function, which remembers its last answer: for a header that is the same in nearly every request. Not for
 * functions that throw something a caller changes.
 */
export function lastRemembered<Input extends string | undefined, Result>(
  answer: (input: Input) => Result,
): (input: Input) => Result {
  let last: { input: Input; result: Result } | undefined;
  return (input) => {
    if (last === undefined || last.input !== input) last = { input, result: answer(input) };
    return last.result;
  };
}
