import { expect, test } from 'vitest';
import { parseForm } from '../../../../src/events/redact/token-forms.ts';
import { PROVIDERS } from '../../../../src/events/redact/token-index.ts';
import { redactText } from './measured-forms.ts';

const HEADS = PROVIDERS.flatMap(({ forms, weak = [] }) =>
  [...forms, ...weak].flatMap((form) => parseForm(form, false)),
).flatMap(({ parts: [first] }) => (first?.literal === undefined ? [] : [first.literal]));
const ALMOST = [
  ...[
    '4111 ',
    '4111-',
    '41 ',
    '4 1 ',
    '4111.1111.1111.1112 ',
    '４１１１ ',
    '𝟒𝟏𝟏𝟏 ',
    '%4111 ',
    'DE89 ',
    'DE89 3704 ',
  ],
  ...[
    '%41',
    '%2541',
    '\\u0041',
    '\\\\',
    'ZXlKaGJHY2lPaUpJ/',
    '/ZXlKaGJHY2lPaUpJaaaaaaaaaaaaaaaaaaaa',
    'AQE+',
    '=',
    '$5$',
  ],
  ...['%B4111111111111111^', ';4111111111111111=', '-eyJaaaaaaaaaaaaaaaa', 'sk-a1', 'live_a1'],
];
const LENGTH = 12_000;
// What goes over the square of its text takes a hundred times as long and more.
const MOST_PER_CHARACTER = 0.01;

function timeOf(part: string, length: number): number {
  const text = part.repeat(Math.ceil(length / part.length)).slice(0, length);
  const before = process.cpuUsage();
  redactText(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

test('the beginnings of all forms, and almost cards and accounts, over and over: in linear time', () => {
  const parts = [...new Set([...HEADS, ...HEADS.map((head) => `-${head}`), ...ALMOST])];
  expect(parts.length).toBeGreaterThan(400);
  for (const part of parts) {
    if (timeOf(part, LENGTH) < MOST_PER_CHARACTER * LENGTH) continue;
    // On a busy machine, or before it was compiled, the first may have taken longer.
    const growths = [1, 2, 3].map(() => timeOf(part, LENGTH) / timeOf(part, LENGTH / 4));
    expect(Math.min(...growths), JSON.stringify(part)).toBeLessThan(10);
  }
}, 120_000);
