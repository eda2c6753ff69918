import { Dice } from '../redact/dice.ts';
import { ORDINARY } from '../redact/ordinary.ts';
import { IN_CONTEXT, KINDS } from '../redact/secrets.ts';

// Runs in a process of its own: a changed RegExp.prototype.exec slows every regular expression of the process down.

/** A regular expression that the code under test has run. */
export interface Pattern {
  source: string;
  flags: string;
}

const SAMPLES = 3;
const MARKERS = /[⟦⟧]/g;

const seen = new Map<string, Pattern>();
const exec = RegExp.prototype.exec;
const NativeRegExp = globalThis.RegExp;

function note({ source, flags }: RegExp): void {
  seen.set(`${source}/${flags}`, { source, flags });
}

// Those that are made by the constructor, whether they run or not.
globalThis.RegExp = new Proxy(NativeRegExp, {
  construct(target, parameters, newTarget) {
    const made = Reflect.construct(target, parameters, newTarget) as RegExp;
    note(made);
    return made;
  },
});
const { createRedaction } = await import('../../../src/events/redact/redact.ts');
const { searchWords } = await import('../../../src/events/search.ts');
const { canonicalDraft, canonicalObjects } = await import('../../../src/events/canonical.ts');
const { checkEvent } = await import('../../../src/events/validate.ts');
globalThis.RegExp = NativeRegExp;

// Literals, when they run.
RegExp.prototype.exec = function recorded(text: string) {
  note(this);
  return exec.call(this, text);
};
const redaction = createRedaction({ fields: ['userId:hash'], hashKey: Buffer.from('the key of the tests') });
const dice = new Dice(6);
for (const make of [...KINDS, ...IN_CONTEXT].map((kind) => kind.make).concat(ORDINARY)) {
  for (let sample = 0; sample < SAMPLES; sample += 1) run(make(dice).replace(MARKERS, ''));
}
RegExp.prototype.exec = exec;
process.send?.([...seen.values()]);

/** The text in the places where an event can have it. */
function run(text: string): void {
  const description = text.slice(0, 2_000);
  const details = { text, list: [text], [text]: 1, user_id: { [text]: text }, name: 'a', value: text };
  const event = { eventType: 'data.read', description, userId: 'a', ipAddress: '::1', details };
  const draft = redaction.event(checkEvent(event, 'input'), 'input');
  canonicalDraft(draft, canonicalObjects(draft));
  searchWords(draft);
}
