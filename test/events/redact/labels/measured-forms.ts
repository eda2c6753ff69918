import { createNameSensitivity } from '../../../../src/events/redact/name-sensitivity.ts';
import { createTextRedaction } from '../../../../src/events/redact/text.ts';
import { Dice } from '../dice.ts';
import { generate } from './generate.ts';
import { NUMBER_FORMS } from './numbers.ts';
import { ENCODINGS, PLACES } from './places.ts';
import { TOKEN_FORMS } from './tokens.ts';

/** A form of a secret: its group, its name, and a maker of samples. */
export interface LabelledForm {
  group: string;
  name: string;
  make: (dice: Dice) => string;
}

/** What was caught of the samples of one form in one encoding and place. */
export interface Caught extends LabelledForm {
  encoding: string;
  place: string;
  samples: number;
  missed: string[];
}

/** The documented forms of tokens. */
export const TOKENS: readonly LabelledForm[] = Object.entries(TOKEN_FORMS).flatMap(([group, lines]) =>
  lines
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', form = ''] = line.split(/: (.*)/);
      return { group, name, make: (dice: Dice) => generate(form, dice) };
    }),
);

/** The numbers of cards and bank accounts, in every way to write them. */
export const NUMBERS: readonly LabelledForm[] = NUMBER_FORMS;

const NUMBER_ENCODINGS = ['as it is', 'percent-encoded'];

/** The encodings that are asked of a form: base64 is for tokens. */
export function encodingsOf(form: LabelledForm): string[] {
  return NUMBERS.includes(form) ? NUMBER_ENCODINGS : Object.keys(ENCODINGS);
}

/** Redacts with what events are redacted with. */
export const { redactText } = createTextRedaction(createNameSensitivity(), []);

/** Puts samples of each form into each encoding and place. One is caught when exactly it is replaced, and all of it. */
export function measureForms(
  forms: readonly LabelledForm[],
  samples: number,
  redact: (text: string) => string = redactText,
): Caught[] {
  const dice = new Dice(11);
  return forms.flatMap((form) => {
    const secrets = Array.from({ length: samples }, () => form.make(dice));
    return encodingsOf(form).flatMap((encoding) =>
      Object.entries(PLACES).map(([place, put]) => {
        const encode = ENCODINGS[encoding] as (secret: string) => string;
        const texts = secrets.map((secret) => put(encode(secret)));
        const missed = texts.filter((text) => redact(text) !== put('[REDACTED]'));
        return { ...form, encoding, place, samples, missed };
      }),
    );
  });
}

/** The share of samples that were caught. */
export function rateOf(results: readonly Caught[]): number {
  const samples = results.reduce((sum, result) => sum + result.samples, 0);
  const missed = results.reduce((sum, result) => sum + result.missed.length, 0);
  return samples === 0 ? 1 : 1 - missed / samples;
}

/** The forms of which every sample was caught in every encoding and place of these results. */
export function wholeForms(results: readonly Caught[]): { whole: string[]; missed: string[] } {
  const missed = new Set(results.filter((result) => result.missed.length > 0).map(({ name }) => name));
  const names = [...new Set(results.map(({ name }) => name))];
  return { whole: names.filter((name) => !missed.has(name)), missed: [...missed] };
}
