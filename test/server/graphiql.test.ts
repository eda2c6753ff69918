import { existsSync, readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { EXAMPLES } from '../../src/server/graphiql/examples.ts';
import { graphiqlPage, graphiqlPolicy } from '../../src/server/graphiql/page.ts';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { ADMIN_KEY, startService, type TestService } from '../support/service.ts';

const schemaFile = new URL('../../schema.graphql', import.meta.url);

describe('the examples', () => {
  test.runIf(existsSync(schemaFile))('are valid for the schema of the service', () => {
    const schema = buildSchema(readFileSync(schemaFile, 'utf8'));
    for (const { query } of EXAMPLES) expect(validate(schema, parse(query))).toEqual([]);
  });
});

describe('the document', () => {
  test('loads nothing from anywhere', () => {
    const page = graphiqlPage({ endpoint: '/graphql' });
    const markup = page.replace(/(<(script|style)[^>]*>).*?<\/\2>/gs, '$1');
    expect(markup.match(/\b(?:src|href|action)="(?!data:)[^"]*"/g)).toBeNull();
    expect(page.match(/<style[^>]*>(.*?)<\/style>/s)?.[1]).not.toMatch(/@import|url\(\s*['"]?(?!data:)/);
  });

  test('escapes what it is given', () => {
    const page = graphiqlPage({ endpoint: '</script><b>', title: '<i>"mine"</i>' });
    expect(page).toContain('<title>&#60;i&#62;&#34;mine&#34;&#60;/i&#62;</title>');
    expect(page).not.toContain('</script><b>');
  });

  test('carries a nonce on every script and style, and no inline handler', () => {
    const page = graphiqlPage({ endpoint: '/graphql', nonce: 'n0nce' });
    const tags = page.match(/^<(?:script|style)\b[^>]*>/gm) ?? [];
    expect(tags).toHaveLength(5);
    for (const tag of tags) expect(tag).toContain(' nonce="n0nce"');
    expect(page).not.toMatch(/^<[^>]* on\w+=/m);
  });

  test('has a policy that names its two scripts by hash, with and without a nonce', () => {
    const policy = graphiqlPolicy(graphiqlPage({ endpoint: '/graphql' }));
    expect(policy.match(/'sha256-[A-Za-z0-9+/]{43}='/g)).toHaveLength(2);
    expect(policy).not.toContain('unsafe-eval');
    expect(graphiqlPolicy(graphiqlPage({ endpoint: '/graphql', nonce: 'n0nce' }))).toBe(policy);
  });
});

describe('in a browser', () => {
  let database: TestDatabase;
  let service: TestService;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let requested: string[];
  let complaints: string[];

  beforeAll(async () => {
    database = await createDatabase();
    service = await startService(database.url);
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
    await service.stop();
    await database.drop();
  });

  beforeEach(async () => {
    requested = [];
    complaints = [];
    context = await browser.newContext({ viewport: { width: 1400, height: 1200 } });
    context.setDefaultTimeout(30_000);
    context.on('request', (request) => requested.push(request.url()));
    context.on('console', (message) => {
      // A wrong key is also reported as a resource that did not load, depending on the status of the answer.
      const isComplaint = message.type() === 'error' && !message.text().startsWith('Failed to load resource');
      if (isComplaint) complaints.push(message.text());
    });
    context.on('weberror', ({ error }) => complaints.push(String(error())));
    page = await openPage();
  });

  afterEach(async () => {
    await context.close();
    await vi.waitFor(() => expect(service.countSubscribers()).toBe(0), 10_000);
    const elsewhere = requested.filter((url) => new URL(url.replace(/^blob:/, '')).hostname !== '127.0.0.1');
    expect(elsewhere).toEqual([]);
  });

  async function openPage(): Promise<Page> {
    const opened = await context.newPage();
    opened.on('websocket', (socket) => requested.push(socket.url()));
    await opened.goto(`${service.url}/graphql`);
    return opened;
  }

  const dialog = () => page.getByRole('dialog', { name: 'API key' });

  async function giveKey(key: string): Promise<void> {
    await dialog().getByLabel('Key', { exact: true }).fill(key);
    await dialog().getByRole('button', { name: 'Continue' }).click();
  }

  async function signIn(): Promise<void> {
    await giveKey(ADMIN_KEY);
    await editorShows('mutation LogEvent');
  }

  /** The editors come one by one, and nothing runs before the last of them. */
  async function editorShows(text: string): Promise<void> {
    await page.locator('.graphiql-editors .view-line').filter({ hasText: text }).waitFor();
    await page.locator('.graphiql-response .view-line').first().waitFor();
  }

  /**
   * GraphiQL takes the operation's name over a moment after the click, and runs by that name: it has done so when it
   * stores the tabs.
   */
  async function openTab(name: string): Promise<void> {
    await page.getByRole('tab').getByRole('button', { name, exact: true }).click();
    await expect.poll(storedTab, { timeout: 30_000 }).toBe(name);
  }

  const storedTab = () =>
    page.evaluate(`(() => {
      const { tabs, activeTabIndex } = JSON.parse(sessionStorage.getItem('graphiql:tabState')) ?? {};
      return tabs?.[activeTabIndex].title;
    })()`);

  /** Runs what is in the open tab. The button is the tool's only one of this name. */
  async function run(): Promise<void> {
    await page.getByRole('button', { name: /^Execute query/ }).click();
  }

  const answer = (text: string) => page.locator('.graphiql-response .view-line').filter({ hasText: text });

  async function logEvent(description: string): Promise<void> {
    const query = 'mutation ($input: LogEventInput!) { logEvent(input: $input) { status } }';
    const input = { eventType: 'AUTH_LOGIN_FAILED', severity: 'CRITICAL', action: 'login', description };
    expect(await service.ask(query, { input })).toEqual({ data: { logEvent: { status: 'RECORDED' } } });
  }

  // To load the page takes most of the time of these tests, so that each of them does all that one page can show.
  test('cannot be passed without a key, tells of a wrong one, and asks again when a key is no longer accepted', async () => {
    await dialog().waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    expect(await dialog().isVisible()).toBe(true);
    expect(await page.getByRole('tab').count()).toBe(0);
    await giveKey('wrong');
    await dialog().getByText('This is not a key of this service.').waitFor();
    await giveKey('schlüssel');
    await dialog().getByText('This is not a key of this service.').waitFor();
    await signIn();
    expect(await dialog().isVisible()).toBe(false);
    expect(await page.evaluate('localStorage.length')).toBe(0);
    expect(complaints).toEqual([]);

    await page.evaluate(`sessionStorage.setItem('audit-log:key', 'revoked')`);
    await page.reload();
    await dialog().getByText('The service does not accept this key any more.').waitFor();
    await giveKey(ADMIN_KEY);
    await dialog().waitFor({ state: 'hidden' });
    await editorShows('mutation LogEvent');
    await run();
    await answer('"status": "RECORDED"').waitFor();
  });

  test('opens on four tabs, of which three give an answer, and keeps them and the key over a reload', async () => {
    await signIn();
    expect(await page.getByRole('tab').allInnerTexts()).toEqual([
      'LogEvent',
      'FailedLogins',
      'Summary',
      'LiveAlerts',
    ]);
    await run();
    await answer('"status": "RECORDED"').waitFor();
    await openTab('FailedLogins');
    const sent = page.waitForRequest((request) => request.postData()?.includes('FailedLogins') === true);
    await run();
    await answer('"userId": "alice"').first().waitFor();
    // Of the last day.
    const { since } = (await sent).postDataJSON().variables;
    expect(Math.abs(Date.now() - 86_400_000 - Date.parse(since))).toBeLessThan(60_000);
    await openTab('Summary');
    await run();
    await answer('"totalEvents":').waitFor();

    await page.reload();
    await editorShows('query Summary');
    expect(await dialog().isVisible()).toBe(false);
    expect(await page.getByRole('tab').count()).toBe(4);
    // What the tabs hold is not in the address.
    expect(page.url()).toBe(`${service.url}/graphql`);
    expect(complaints).toEqual([]);
  });

  test('receives over WebSocket what is logged while it subscribes, by others and by a second tab', async () => {
    await signIn();
    await openTab('LiveAlerts');
    const subscribed = subscribeSent();
    await run();
    expect(new URL(await subscribed).protocol).toBe('ws:');
    await live();
    await logEvent('arrived live');
    await answer('arrived live').waitFor();
    const first = page;
    page = await openPage();
    await signIn();
    await run();
    await answer('"status": "RECORDED"').waitFor();
    page = first;
    await answer('"description": "Wrong password"').waitFor();
    expect(complaints).toEqual([]);
  });

  /** Nothing tells a client that the server has begun to listen; the service knows. */
  const live = () => vi.waitFor(() => expect(service.countSubscribers()).toBe(1), 10_000);

  /** The address of the socket over which the page subscribes. Its frames may come at once, hence no `waitForEvent`. */
  function subscribeSent(): Promise<string> {
    return new Promise((resolve) => {
      page.on('websocket', (socket) =>
        socket.on('framesent', ({ payload }) => {
          if (String(payload).includes('"type":"subscribe"')) resolve(socket.url());
        }),
      );
    });
  }

  test('remembers the key on this computer when told to, and lets it be changed', async () => {
    await dialog().getByLabel('Remember on this computer').check();
    await signIn();
    await page.close();
    page = await openPage();
    await editorShows('mutation LogEvent');
    expect(await dialog().isVisible()).toBe(false);

    await page.getByRole('button', { name: 'Change key' }).click();
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    expect(await dialog().isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Change key' }).click();
    const reloaded = page.waitForEvent('load');
    await giveKey(ADMIN_KEY);
    await reloaded;
    await editorShows('mutation LogEvent');
    expect(await dialog().isVisible()).toBe(false);
    expect(await page.getByRole('tab').count()).toBe(4);
  });
});
