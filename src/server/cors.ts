import type { Origins } from '../http/origins.ts';

/** What a page of the request's origin may do, for Yoga; false: nothing is said, so a browser shows it nothing. */
export type CorsOf = (request: Request) =>
  | {
      origin: string;
      methods: string[];
      allowedHeaders: string[];
      exposedHeaders: string[];
      credentials: false;
      maxAge: number;
    }
  | false;

/** Makes the rule for the pages that may use the service. */
export function createCors(origins: Origins): CorsOf {
  return (request) => {
    const origin = request.headers.get('origin');
    if (origin === null || !origins.isListed(origin)) return false;
    return { origin, ...origins.rights, credentials: false };
  };
}
