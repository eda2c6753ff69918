/** What was found wrong with the stored log. */
export type IntegrityProblem =
  | 'missing'
  | 'changed'
  | 'out of order'
  | 'tile'
  | 'tree'
  | 'head'
  | 'checkpoint'
  | 'anchor';

/** The stored log is not what was signed or hashed: nothing may be signed on top of it. */
export class IntegrityError extends Error {
  override readonly name = 'IntegrityError';
  readonly problem: IntegrityProblem;
  /** The first position that is wrong, where there is one. */
  readonly position: number | undefined;

  constructor(problem: IntegrityProblem, message: string, position?: number) {
    super(position === undefined ? message : `position ${position}: ${message}`);
    this.problem = problem;
    this.position = position;
  }
}
