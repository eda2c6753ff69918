import { createHash } from 'node:crypto';
import {
  css,
  editorWorkerService,
  js as graphiqlScript,
  graphqlWorker,
  jsonWorker,
} from '@graphql-yoga/render-graphiql/graphiql';
import { DAY_AGO, EXAMPLES } from './examples.ts';
import { PAGE_SCRIPT } from './page-script.ts';

export interface GraphiqlPageOptions {
  /** The path of the GraphQL API, for HTTP and WebSocket alike: `/graphql`. */
  endpoint: string;
  /** Shown in the browser's tab and beside GraphiQL's tabs; `Audit log` by default. */
  title?: string;
  /** Put on every script and style; for servers whose content security policy works with nonces. */
  nonce?: string;
}

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="28" height="28">
<rect width="32" height="32" rx="7" fill="#1d4ed8"/>
<path d="M8 9h16M8 16h16M8 23h9" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>`;

/**
 * The GraphiQL page as one HTML document of about 9 MB (2 MB compressed) that loads nothing else, so it works without
 * internet. It asks for the API key once, and opens on tabs with examples. Without a nonce the same options give the
 * same bytes: build it once, and let browsers cache it.
 */
export function graphiqlPage(options: GraphiqlPageOptions): string {
  const title = escapeHtml(options.title ?? 'Audit log');
  const nonce = options.nonce === undefined ? '' : ` nonce="${escapeHtml(options.nonce)}"`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(LOGO)}">
<style${nonce}>${css}</style>
<style${nonce}>${KEY_DIALOG_STYLE}</style>
</head>
<body class="no-focus-outline">
<noscript>GraphiQL needs JavaScript.</noscript>
<div id="root"></div>
${KEY_DIALOG}
<script${nonce} type="application/json" id="settings">${settingsJson(options.endpoint, title)}</script>
<script${nonce}>${graphiqlScript}</script>
<script${nonce}>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

/**
 * The `Content-Security-Policy` under which `page` works and nothing else may run: its scripts by their SHA-256
 * (CSP Level 3, section 8.3), requests to its own origin only. Styles stay open because the editor makes them as it
 * goes. Costs a pass over the page, so compute it once.
 */
export function graphiqlPolicy(page: string): string {
  const scripts = [...page.matchAll(/<script(?: nonce="[^"]*")?>(.*?)<\/script>/gs)];
  const hashes = scripts.map(([, source = '']) => `'sha256-${sha256(source)}'`);
  return [
    "default-src 'none'",
    `script-src ${hashes.join(' ')}`,
    "style-src 'unsafe-inline'",
    'worker-src blob:',
    "connect-src 'self'",
    "img-src 'self' data:",
    'font-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** The data of the page's script, as JSON that cannot end the script element around it. */
function settingsJson(endpoint: string, titleHtml: string): string {
  const settings = {
    endpoint,
    titleHtml: `${titleHtml}<button id="change-key" type="button">Change key</button>`,
    logoHtml: LOGO,
    dayAgo: DAY_AGO,
    examples: EXAMPLES,
    // The names are the labels that the editor asks for.
    workers: { editorWorkerService, json: jsonWorker, graphql: graphqlWorker },
  };
  return JSON.stringify(settings).replaceAll('<', '\\u003c');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The dialog that asks for the API key. What it does is in the page's script. */
export const KEY_DIALOG = `
<dialog id="key-dialog" closedby="none" aria-labelledby="key-dialog-title">
  <form id="key-form" method="dialog">
    <h1 id="key-dialog-title">API key</h1>
    <p>Every request needs a key. The service printed an admin key on its first start.</p>
    <label for="key-input">Key</label>
    <input id="key-input" type="password" autocomplete="off" spellcheck="false" required autofocus>
    <p id="key-problem" role="alert"></p>
    <label class="check"><input id="key-remember" type="checkbox"> Remember on this computer</label>
    <div class="actions">
      <button id="key-cancel" type="button" hidden>Cancel</button>
      <button id="key-submit" type="submit">Continue</button>
    </div>
  </form>
</dialog>`;

/** The styles of the dialog and of the button that opens it again, light and dark as the system is. */
export const KEY_DIALOG_STYLE = `
:root { color-scheme: light dark; background: light-dark(#fff, #1b2431); }
body { margin: 0; height: 100vh; overflow: hidden; }
#root { height: 100%; }
#key-dialog, #change-key { font: 15px/1.5 system-ui, 'Open Sans', sans-serif; }
#key-dialog {
  width: min(26rem, calc(100vw - 4rem)); padding: 1.5rem 1.75rem; border: 1px solid light-dark(#d5dae1, #3b4759);
  border-radius: 12px; box-shadow: 0 12px 40px rgb(0 0 0 / 25%);
  background: light-dark(#fff, #202a38); color: light-dark(#1f2937, #e5e9f0);
}
#key-dialog::backdrop { background: rgb(15 23 42 / 45%); }
#key-dialog h1 { margin: 0 0 .25rem; font-size: 1.25rem; }
#key-dialog p { margin: 0 0 1rem; color: light-dark(#4b5563, #aab4c3); }
#key-dialog label { display: block; font-weight: 600; }
#key-dialog label.check { display: flex; gap: .5rem; align-items: center; font-weight: 400; }
#key-input {
  box-sizing: border-box; width: 100%; margin: .25rem 0 .5rem; padding: .5rem .65rem; font: inherit;
  border: 1px solid light-dark(#aab4c3, #55637a); border-radius: 6px;
}
#key-dialog #key-problem { min-height: 1.5em; margin: 0 0 .25rem; color: light-dark(#b42318, #ff9c92); }
#key-dialog .actions { display: flex; justify-content: flex-end; gap: .5rem; margin-top: 1.25rem; }
#key-dialog button, #change-key {
  padding: .45rem 1rem; font: inherit; cursor: pointer; color: inherit; background: none;
  border: 1px solid light-dark(#aab4c3, #55637a); border-radius: 6px;
}
#key-dialog #key-submit { background: #1d4ed8; border-color: #1d4ed8; color: #fff; }
#key-dialog button:disabled { opacity: .6; cursor: progress; }
#change-key { margin-left: .75rem; padding: .15rem .6rem; font-size: 13px; }`;
