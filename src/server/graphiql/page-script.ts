/**
 * The script of the page, run by the browser after GraphiQL's own. It holds the API key (in `sessionStorage`, or in
 * `localStorage` when the person asked to be remembered), asks for it when there is none or the service refuses it,
 * and starts GraphiQL with it.
 *
 * GraphiQL keeps its tabs and history in `sessionStorage`: they survive a reload, a new session opens on the
 * examples again, and no other GraphiQL that was served from the same origin (a `localhost` port) shows up in them.
 */
export const PAGE_SCRIPT = String.raw`
(() => {
  'use strict';
  const byId = (id) => document.getElementById(id);
  const settings = JSON.parse(byId('settings').textContent);
  const dialog = byId('key-dialog');
  const STORED_AS = 'audit-log:key';
  const send = window.fetch.bind(window);
  let started = false;

  const heldKey = () => sessionStorage.getItem(STORED_AS) ?? localStorage.getItem(STORED_AS);
  const authorization = (key = heldKey()) => ({ Authorization: 'Bearer ' + key });

  function holdKey(key, remember) {
    for (const storage of [sessionStorage, localStorage]) storage.removeItem(STORED_AS);
    (remember ? localStorage : sessionStorage).setItem(STORED_AS, key);
  }

  function askForKey(problem) {
    byId('key-problem').textContent = problem;
    byId('key-cancel').hidden = !started;
    byId('key-remember').checked = localStorage.getItem(STORED_AS) !== null;
    if (!dialog.open) dialog.showModal();
  }

  async function isRefused(response) {
    if (response.status === 401) return true;
    if (!/json/.test(response.headers.get('content-type') ?? '')) return false;
    const body = await response.clone().json().catch(() => null);
    return (body?.errors ?? []).some((error) => error.extensions?.code === 'UNAUTHENTICATED');
  }

  // What is wrong with the key, or '' when the service accepts it.
  async function problemWith(key) {
    // Nothing else can stand in a header, and the browser would not even send it.
    if (!/^[\x21-\x7e]+$/.test(key)) return 'This is not a key of this service.';
    const headers = { 'content-type': 'application/json', ...authorization(key) };
    const body = JSON.stringify({ query: '{ __typename }' });
    try {
      const response = await send(settings.endpoint, { method: 'POST', headers, body });
      if (await isRefused(response)) return 'This is not a key of this service.';
      return response.status < 500 ? '' : 'The service is not available (' + response.status + '). Try again.';
    } catch {
      return 'The service does not answer. Try again.';
    }
  }

  async function submitKey() {
    const key = byId('key-input').value.trim();
    byId('key-submit').disabled = true;
    const problem = await problemWith(key);
    byId('key-submit').disabled = false;
    if (problem !== '') return askForKey(problem);
    holdKey(key, byId('key-remember').checked);
    // A running GraphiQL has a schema and a connection that belong to the key it started with.
    if (started) return location.reload();
    startGraphiql();
    dialog.close();
    byId('key-form').reset();
  }

  function exampleTabs() {
    const dayAgo = new Date(Date.now() - 86_400_000).toISOString();
    const fill = (_, value) => (value === settings.dayAgo ? dayAgo : value);
    return settings.examples.map(({ query, variables }) => ({
      query,
      variables: JSON.stringify(JSON.parse(JSON.stringify(variables), fill), null, 2),
    }));
  }

  // GraphiQL opens one more tab when the query and variables that it stored are not those of a tab that it stored.
  // It writes them at different moments, or never while nobody types; and it has no other place for the variables of
  // the first tab.
  function alignStorage(defaultTabs) {
    const stored = JSON.parse(sessionStorage.getItem('graphiql:tabState'));
    const { query, variables } = stored === null ? defaultTabs[0] : stored.tabs[stored.activeTabIndex];
    sessionStorage.setItem('graphiql:query', query ?? '');
    sessionStorage.setItem('graphiql:variables', variables ?? '');
  }

  async function startGraphiql() {
    started = true;
    // The tabs measure themselves once: in a font that comes later they move away under the first click.
    await Promise.allSettled([...document.fonts].map((font) => font.load()));
    const defaultTabs = exampleTabs();
    alignStorage(defaultTabs);
    YogaGraphiQL.renderYogaGraphiQL(byId('root'), {
      endpoint: settings.endpoint,
      title: settings.titleHtml,
      logo: settings.logoHtml,
      defaultTabs,
      storage: sessionStorage,
      shouldPersistHeaders: false,
      subscriptionsProtocol: 'WS',
      additionalHeaders: () => authorization(),
      connectionParams: () => authorization(),
      // Yoga's own handler writes the query, and the ids in it, into the address.
      onEditQuery() {},
    });
  }

  function watchForRefusals() {
    window.fetch = async (...request) => {
      const response = await send(...request);
      if (await isRefused(response)) askForKey('The service does not accept this key any more.');
      return response;
    };
  }

  function serveWorkers() {
    const urls = {};
    for (const [label, source] of Object.entries(settings.workers)) {
      urls[label] = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    }
    window.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_, label) => urls[label] };
  }

  byId('key-form').addEventListener('submit', (event) => {
    event.preventDefault();
    submitKey();
  });
  byId('key-cancel').addEventListener('click', () => dialog.close());
  // Where browsers do not know closedby="none" yet, Escape closes the dialog.
  dialog.addEventListener('close', () => {
    if (!started) dialog.showModal();
  });
  document.addEventListener('click', (event) => {
    if (event.target.id === 'change-key') askForKey('');
  });

  serveWorkers();
  watchForRefusals();
  if (heldKey() === null) askForKey('');
  else startGraphiql();
})();
`;
