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
