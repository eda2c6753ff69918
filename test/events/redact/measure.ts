import type { JsonObject } from '../../../src/events/fields.ts';
import { Dice } from './dice.ts';
import { type Changes, measureFolder, measureRecords } from './labels/logs.ts';
import {
  type Caught,
  measureForms,
  NUMBERS,
  rateOf,
  redactText,
  TOKENS,
  wholeForms,
} from './labels/measured-forms.ts';
import { type Measured, measureContexts, measureOrdinary, measureTokens } from './measured.ts';
import { draftWith, redactionOf } from './redact-details.ts';

// npm run measure:redaction [-- FOLDER]: what is found of the labelled forms, by group, encoding and place; what is taken
// for a secret that is none, in made-up records of logs and in those of a folder; what an event and a kilobyte cost.

const SAMPLES = 200;
const SAMPLES_OF_FORM = 20;
const KILOBYTES = 64;
const EVENTS = 500;
const ROUNDS = 31;
const REPEATS = 10;

function say(what: string, { samples, wrong }: Measured): void {
  console.info(
    `${what}: ${wrong.length} of ${samples} wrong (${((100 * wrong.length) / samples).toFixed(3)} %)`,
  );
  for (const line of wrong.slice(0, 5)) console.info(`  ${line}`);
}

/** An event of some 700 bytes, as an application sends it. */
function eventOf(dice: Dice) {
  const id = dice.text('hex', 32);
  const details: JsonObject = {
    method: 'POST',
    path: `/v1/projects/${dice.roll(1e6)}/members`,
    status: 201,
    durationMs: dice.roll(400),
    region: 'eu-west-1',
    actor: { email: 'bob.smith@example.com', roles: ['admin', 'billing'], mfa: true },
    trace: `00-${id}-${dice.text('hex', 16)}-01`,
  };
  return draftWith({
    userId: `auth0|${dice.text('hex', 24)}`,
    sessionId: dice.text('hex', 32),
    requestId: id,
    ipAddress: '203.0.113.7',
    userAgent:
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
    resourceType: 'project',
    resourceId: `arn:example:projects:${dice.roll(1e6)}`,
    action: 'project.member_added',
    description: 'bob.smith@example.com was added to the project by an administrator',
    details,
  });
}

/** Processor time for each event, which other work on the machine adds less to than the time of day. */
function microsecondsOf(work: () => void): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    for (let time = 0; time < REPEATS; time += 1) work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / REPEATS / EVENTS;
  });
  return times.sort((a, b) => a - b)[ROUNDS >> 1] as number;
}

/** The rates of samples by a property of them, and of forms that were caught whole everywhere. */
function sayRates(results: readonly Caught[]): void {
  for (const key of ['group', 'encoding', 'place'] as const) {
    for (const value of new Set(results.map((result) => result[key]))) {
      const of = results.filter((result) => result[key] === value);
      const { whole, missed } = wholeForms(of);
      console.info(
        `  ${key} ${value}: ${percent(rateOf(of))} of samples, ${whole.length} of ${whole.length + missed.length} forms whole`,
      );
    }
  }
  for (const { name, encoding, place, missed } of results
    .filter((result) => result.missed.length > 0)
    .slice(0, 20)) {
    console.info(`  missed: ${name}, ${encoding}, ${place}: ${missed[0]}`);
  }
}

function sayChanges(what: string, { events, changedEvents, values, changed }: Changes): void {
  console.info(
    `${what}: ${changedEvents} of ${events} events changed (${percent(changedEvents / events)}), ${changed.length} of ${values} values`,
  );
  const counts = new Map<string, number>();
  for (const line of changed) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const [line, count] of counts) console.info(`  ${count} times ${line}`);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

console.info(`${TOKENS.length} forms of tokens`);
sayRates(measureForms(TOKENS, SAMPLES_OF_FORM));
console.info(`${NUMBERS.length} ways to write the numbers of cards and accounts`);
sayRates(measureForms(NUMBERS, SAMPLES_OF_FORM));
sayChanges('made-up records without a secret', measureRecords(SAMPLES));
const [folder] = process.argv.slice(2);
if (folder) sayChanges(folder, measureFolder(folder));
say('tokens in every place', measureTokens(SAMPLES));
say('secrets by their context', measureContexts(SAMPLES));
say('ordinary texts', measureOrdinary(SAMPLES));

const dice = new Dice(5);
const events = Array.from({ length: EVENTS }, () => eventOf(dice));
const bytes = Buffer.byteLength(JSON.stringify(events)) / EVENTS;
for (const [what, fields] of [
  ['as it is', []],
  ['with userId:hash', ['userId:hash']],
] as const) {
  const redaction = redactionOf(...fields);
  const time = microsecondsOf(() => {
    for (const event of events) redaction.event(event, 'input');
  });
  console.info(
    `an event of ${bytes.toFixed(0)} bytes, ${what}: ${time.toFixed(2)} µs of processor time (median of ${ROUNDS})`,
  );
}

const text = events
  .map((event) => JSON.stringify(event))
  .join('\n')
  .slice(0, KILOBYTES * 1024);
for (let round = 0; round < REPEATS; round += 1) redactText(text);
const before = process.cpuUsage();
for (let round = 0; round < REPEATS; round += 1) redactText(text);
const { user, system } = process.cpuUsage(before);
console.info(
  `a text of JSON: ${((user + system) / REPEATS / KILOBYTES).toFixed(1)} µs of processor time for each KB`,
);
