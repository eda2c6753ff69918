import { stopOnSignals } from './shutdown.ts';

// First of all: a signal counts also while the rest is still being loaded.
const stop = stopOnSignals();
const { serve } = await import('./serve.ts');
await serve(stop);
