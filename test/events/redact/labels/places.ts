/** Where a secret may stand in a text. No name around it gives it away. */
export const PLACES: Readonly<Record<string, (secret: string) => string>> = {
  alone: (secret) => secret,
  'in a sentence': (secret) => `A client sent ${secret}, and the gateway refused it.`,
  'in a URL': (secret) => `https://example.com/callback?state=1&v=${secret}&page=2`,
  'in JSON': (secret) => `{"note":"${secret}","count":1}`,
  'in a header': (secret) => `X-Custom: ${secret}\r\nAccept: */*`,
  'in an environment': (secret) => `HOME=/root\nVALUE_1=${secret}\nLANG=C`,
};

/** How a secret may be written. */
export const ENCODINGS: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (secret) => secret,
  'percent-encoded': (secret) => encodeURIComponent(secret),
  'percent-encoded twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'every byte percent-encoded': (secret) =>
    Buffer.from(secret)
      .toString('hex')
      .replace(/../g, (byte) => `%${byte}`),
  'in base64': (secret) => Buffer.from(secret).toString('base64'),
  'in base64 behind a user': (secret) => Buffer.from(`deploy:${secret}`).toString('base64'),
  'in base64url of JSON': (secret) => Buffer.from(JSON.stringify({ value: secret })).toString('base64url'),
};
