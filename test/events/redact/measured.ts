import { createNameSensitivity } from '../../../src/events/redact/name-sensitivity.ts';
import { createTextRedaction } from '../../../src/events/redact/text.ts';
import { Dice } from './dice.ts';
import { ORDINARY } from './ordinary.ts';
import { IN_CONTEXT, KINDS } from './secrets.ts';

const { redactText } = createTextRedaction(createNameSensitivity(), []);

// Where a secret may stand in a text.
const PLACES: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => `the value ${secret} was posted in a chat`,
  (secret) => `value:${secret}.`,
  (secret) => `("${secret}", 1)`,
  (secret) => `x=1&v=${secret}&y=2`,
  (secret) => `{"v":"${secret}","w":1}`,
  (secret) => `first\\n${secret}\\nlast`,
  (secret) => `first\n${secret}\nlast`,
  (secret) => `v%3D${secret}`,
  (secret) => `<v>${secret}</v>`,
  (secret) => `${'lorem ipsum dolor sit amet '.repeat(20)}${secret}, consectetur`,
];
// Of a text of this many characters nothing may remain that is as long as this.
const TELLING = 10;

/** How many samples there were, and which of them went wrong. */
export interface Measured {
  samples: number;
  wrong: string[];
}

/** Every kind of token in every place: wrong is one of which a telling part remains. */
export function measureTokens(samplesOfEach: number): Measured {
  const dice = new Dice(1);
  const wrong: string[] = [];
  let samples = 0;
  for (const { name, make } of KINDS) {
    for (let sample = 0; sample < samplesOfEach; sample += 1) {
      const secret = make(dice);
      PLACES.forEach((place, index) => {
        samples += 1;
        const result = redactText(place(secret));
        if (remains(secret, result)) wrong.push(`${name}, place ${index}: ${result}`);
      });
    }
  }
  return { samples, wrong };
}

/** Every kind of secret that is known by its context: wrong is one that does not leave exactly the rest. */
export function measureContexts(samplesOfEach: number): Measured {
  const dice = new Dice(2);
  const wrong: string[] = [];
  let samples = 0;
  for (const { name, make } of IN_CONTEXT) {
    for (let sample = 0; sample < samplesOfEach; sample += 1) {
      samples += 1;
      const labelled = make(dice);
      const result = redactText(labelled.replace(/[⟦⟧]/g, ''));
      const expected = labelled.replace(/⟦.*?⟧/gs, '[REDACTED]');
      if (result !== expected) wrong.push(`${name}: ${result} instead of ${expected}`);
    }
  }
  return { samples, wrong };
}

/** Ordinary texts: wrong is one that did not stay as it was. */
export function measureOrdinary(samplesOfEach: number): Measured {
  const dice = new Dice(3);
  const wrong: string[] = [];
  let samples = 0;
  for (const make of ORDINARY) {
    for (let sample = 0; sample < samplesOfEach; sample += 1) {
      samples += 1;
      const text = make(dice);
      const result = redactText(text);
      if (result !== text) wrong.push(`${text} became ${result}`);
    }
  }
  return { samples, wrong };
}

function remains(secret: string, result: string): boolean {
  for (let at = 0; at + TELLING <= secret.length; at += 1) {
    const part = secret.slice(at, at + TELLING);
    if (result.includes(part) && !part.includes('://') && !part.startsWith('-----')) return true;
  }
  return false;
}
