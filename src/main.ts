import { stopOnSignals } from './shutdown.ts';

// Before the rest is loaded, so that a signal during loading counts too.
const stop = stopOnSignals();
const { serve } = await import('./serve.ts');
await serve(stop);
