import type { IncomingMessage } from 'node:http';

/** Whether the client takes gzip (RFC 9110, 12.5.3): it or everything is named, and not with a quality of 0. */
export function acceptsGzip({ headers }: IncomingMessage): boolean {
  const codings = new Map(
    String(headers['accept-encoding'] ?? '')
      .toLowerCase()
      .split(',')
      .map((coding) => {
        const [name = '', ...parameters] = coding.split(';').map((part) => part.trim());
        const quality = parameters.find((parameter) => parameter.startsWith('q='));
        return [name, Number(quality?.slice(2) ?? 1)] as const;
      }),
  );
  return (codings.get('gzip') ?? codings.get('*') ?? 0) > 0;
}
