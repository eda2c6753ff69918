import { expect, test } from 'vitest';
import { createNameSensitivity } from '../../../src/events/redact/name-sensitivity.ts';
import { createTextRedaction } from '../../../src/events/redact/text.ts';

const { redactText } = createTextRedaction(createNameSensitivity(), []);

// Beginnings, ends and middles of what is looked for: repeated, they make a pattern that goes back over what it has read
// do so at every step.
const BEGUN = [
  ...[
    'eyJ',
    'eyJ-',
    'eyJaaaaaaaaaaaa.',
    'sk-',
    'sk-a',
    'gl',
    'xoxb-',
    'A',
    'A3-',
    'AAAAAAAAAAAAAAAAAAAAAA',
    's.',
    'SG.',
  ],
  ...[
    '://',
    '://a',
    '://a:',
    '://a:b',
    '://_',
    '@',
    ':@',
    '/',
    '+',
    '==',
    '=',
    'sig=',
    'sig==',
    '8Q~',
    '+ASt',
    '-us1',
  ],
  ...[
    'password',
    'password ',
    'password=',
    'password: ',
    'password="',
    'password=\\"',
    '"password":"',
    "token '",
    'token=&a',
  ],
  ...[
    'secret=a,',
    'secret=a)',
    '<password>',
    '--password ',
    'cookie: ',
    'Cookie: a="',
    'cvc',
    'cvctoken',
    '[REDACTED]',
  ],
  ...[
    'bearer ',
    'bearer+',
    'bearer+aaaaaaaa=',
    'basic aaaaaaaa ',
    'Basic Ojo6Ojo6',
    'curl -u a:b',
    ' -u a:',
    'authorization:',
  ],
  ...[
    '4111',
    '4111 ',
    '4111-1111-',
    '41',
    'DE89',
    'DE89 3704 ',
    '1234567:A',
    'M_',
    'Ma.',
    'MTEaaaaaaaaaaaaaaaaaaaaaa.',
  ],
  ...[
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY-----',
    'PRIVATE KEY',
    'Private-Lines: 1',
    'atlasv1.',
    'a-',
    '%3D',
    '\\n',
    '\\',
  ],
  ...['a', '1', '.', '_', ' ', '"', "'", '\n', '&', ';', 'é', '日', '😀'],
];
const ENDS = ['', '\u0000', '=@"'];
const LENGTH = 100_000;

function timeOf(part: string, end: string, length: number): number {
  const text = part.repeat(length / part.length) + end;
  const started = performance.now();
  redactText(text);
  return performance.now() - started;
}

// A pattern that goes over the square of what it gets needs ten seconds and more for texts of this length.
test.each(ENDS)(
  'the time grows with the length of a text and no faster, whatever the text; its end: %j',
  (end) => {
    for (const part of BEGUN) {
      const time = timeOf(part, end, LENGTH);
      if (time < 500) continue;
      // On a busy machine the first may have waited.
      const times = [1, 2, 3].map(() => timeOf(part, end, LENGTH) / timeOf(part, end, LENGTH / 4));
      expect(Math.min(...times), `${JSON.stringify(part)} took ${time} ms`).toBeLessThan(10);
    }
  },
);
