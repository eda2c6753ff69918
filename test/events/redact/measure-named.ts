import { createNameSensitivity } from '../../../src/events/redact/name-sensitivity.ts';
import { createTextRedaction } from '../../../src/events/redact/text.ts';
import { ALIKE, ENGLISH, ORDINARY_TEXTS, OTHER_LANGUAGES, SECRET, SHAPES, TEXTS } from './labels-named.ts';
import { redactDetails } from './redact-details.ts';

// npm run measure:redaction: what is known by its name, and where the name may stand.

const { redactText } = createTextRedaction(createNameSensitivity(), []);
const isCaught = (name: string) => redactDetails({ [name]: SECRET })[name] !== SECRET;

function say(what: string, found: number, all: number): void {
  console.info(`${what}: ${found} of ${all} (${((100 * found) / all).toFixed(1)} %)`);
}

function sayRate<Label>(what: string, labels: readonly Label[], isFound: (label: Label) => boolean): void {
  say(what, labels.filter(isFound).length, labels.length);
}

sayRate('English names caught', ENGLISH, isCaught);
sayRate('names in other languages caught', OTHER_LANGUAGES, isCaught);
sayRate('names that only look alike taken for secrets', ALIKE, isCaught);
sayRate(
  'shapes without their secrets',
  SHAPES,
  ([, details]) => !JSON.stringify(redactDetails(details)).includes(SECRET),
);
sayRate('texts without their secrets and nothing else', TEXTS, (labelled) => {
  return redactText(labelled.replace(/[⟦⟧]/g, '')) === labelled.replace(/⟦.*?⟧/gs, '[REDACTED]');
});
sayRate('ordinary texts changed', ORDINARY_TEXTS, (text) => redactText(text) !== text);
