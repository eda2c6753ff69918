import type { JsonObject } from '../../../src/events/event.ts';
import { Dice } from './dice.ts';
import { type Measured, measureContexts, measureOrdinary, measureTokens } from './measured.ts';
import { draftWith, redactionOf } from './redact-details.ts';

// npm run measure:redaction: what is found, what is taken for a secret that is none, and what an event costs.

const SAMPLES = 200;
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
