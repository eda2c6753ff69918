import type { Provider } from '../forms.ts';
import { AI } from './ai.ts';
import { CLOUD } from './cloud.ts';
import { CODE } from './code.ts';
import { DATA } from './data.ts';
import { MESSAGING } from './messaging.ts';
import { PAYMENTS } from './payments.ts';

/** Every provider whose tokens are known by their form. */
export const PROVIDERS: readonly Provider[] = [...CLOUD, ...CODE, ...AI, ...PAYMENTS, ...MESSAGING, ...DATA];
