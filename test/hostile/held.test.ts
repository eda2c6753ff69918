import { afterAll, describe, expect, vi } from 'vitest';
import { type ChildService, startChildService } from '../support/child-service.ts';
import type { TestDatabase } from '../support/database.ts';
import { runsOf } from '../support/runs.ts';
import { ADMIN_KEY, type Answer } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';

// What open subscriptions hold of their documents and variables. The budget and what is asked for have a quarter of the size
// in `npm test`, and the whole in `npm run test:laws`.
const PART = runsOf(4, 1);
const BUDGET = PART * 4_194_304;
/** What a subscription holds beside them, with its connection, at most. */
const BESIDE = 50_000;
/** What the process holds after large requests, however many there were. */
const WARM = 16_000_000;
const TRIES = runsOf(90, 30);
const SHARED = 90;

let database: TestDatabase;
let service: ChildService;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
  service = await startChildService(database.url, {
    MAX_SUBSCRIPTION_BYTES_PER_KEY: String(BUDGET),
    RATE_LIMIT: '0',
  });
  // What is open has an event at once, and what is refused an error.
  await service.ask(
    'mutation ($details: JSONObject) { logEvent(input: { eventType: AUTH_LOGIN, details: $details }) { status } }',
    { details: DETAILS },
  );
});
afterAll(async () => {
  await service.stop();
});

interface Asked {
  query: string;
  operationName: string;
  variables?: object;
}

const fill = (part: string, length: number) => part.repeat(Math.floor(length / part.length));
const DETAILS = { long: fill('lorem ipsum ', PART * 15_000) };
const EVENTS = 'subscription s { auditEvents(after: "beginning") { cursor } }';

/** What is asked for, each time in another text. */
const SUBSCRIPTIONS: Record<string, (n: number) => Asked> = {
  // An operation beside it is never asked for, and is held with it.
  'documents of many tokens': (n) => ({
    query: `${EVENTS} query q${n} { auditEvents(filter: { categories: [${fill('"a" ', PART * 9_750)}] }) { totalCount } }`,
    operationName: 's',
  }),
  'documents that are long': (n) => ({
    query: `${EVENTS} # ${n}${fill('\u{1F600}', PART * 65_000)}`,
    operationName: 's',
  }),
  variables: () => ({
    query: `subscription s($details: JSONObject) {
      auditEvents(after: "beginning", filter: { details: $details }) { cursor } }`,
    operationName: 's',
    variables: { details: DETAILS },
  }),
};

/** Opens a subscription; resolves to the code of its refusal, or undefined when it is open. */
type Open = (asked: Asked) => Promise<string | undefined>;
/** A way to open some, and to close them all. */
type Transport = () => { open: Open; close: () => void };

const codeOf = (errors: unknown) =>
  (errors as Answer['errors'] | undefined)?.[0]?.extensions.code as string | undefined;

const TRANSPORTS: Record<string, Transport> = {
  WebSocket: () => {
    const socket = connectSocket(service.url);
    let id = 0;
    return {
      async open(asked) {
        const raw = await socket;
        id += 1;
        raw.send({ type: 'subscribe', id: String(id), payload: asked });
        const { type, payload } = await raw.next();
        return type === 'error' ? codeOf(payload) : undefined;
      },
      close: () => void socket.then((raw) => raw.socket.terminate()),
    };
  },
  'server-sent events': () => {
    const ended = new AbortController();
    return {
      async open(asked) {
        const { body } = await fetch(`${service.url}/graphql`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'text/event-stream',
            authorization: `Bearer ${ADMIN_KEY}`,
          },
          body: JSON.stringify(asked),
          signal: ended.signal,
        });
        const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
        for (let text = ''; ; ) {
          const next = await reader?.read();
          if (!next || next.done) break;
          text += next.value;
          const [, data] = /^data: ?(\{.*)$/m.exec(text) ?? [];
          if (data !== undefined) return codeOf(JSON.parse(data).errors);
        }
        throw new Error('the stream ended without a result');
      },
      close: () => ended.abort(),
    };
  },
};

describe.each(Object.entries(TRANSPORTS))('over %s', (_name, transport) => {
  test.each(Object.entries(SUBSCRIPTIONS))(
    '%s are held up to the bound',
    async (_what, askedOf) => {
      const atFirst = await service.memory();
      const { open, close } = transport();
      const codes: (string | undefined)[] = [];
      for (let n = 0; n < TRIES; n += 1) codes.push(await open(askedOf(n)));
      const opened = codes.filter((code) => code === undefined).length;
      if (process.env.SHOW_HELD)
        console.info(`${_what}: ${opened} hold ${(await service.memory()) - atFirst}`);
      expect(opened).toBeGreaterThan(1);
      expect(codes.slice(opened)).toEqual(Array(TRIES - opened).fill('OVERLOADED'));
      await vi.waitFor(
        async () => expect((await service.memory()) - atFirst).toBeLessThan(BUDGET + WARM + opened * BESIDE),
        10_000,
      );
      close();
      // What is closed holds nothing any more.
      const again = transport();
      await vi.waitFor(async () => expect(await again.open(askedOf(TRIES))).toBeUndefined(), 10_000);
      again.close();
    },
    120_000,
  );
});

test('a document that many share is counted once', async () => {
  const { open, close } = (TRANSPORTS.WebSocket as Transport)();
  const query = `${EVENTS} # ${fill('x', 9_000)}`;
  const codes = new Set<string | undefined>();
  for (let n = 0; n < SHARED; n += 1) codes.add(await open({ query, operationName: 's' }));
  expect(codes).toEqual(new Set([undefined]));
  close();
});
