const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

/** Values that a log is searched by and that open nothing, under names that sound of secrets. */
export const IDENTIFIERS: readonly { key: RegExp; value: RegExp }[] = [
  // The ids of AWS's keys, and the ARN and the versions of a secret.
  { key: /(?:access_?key|principal)_?id$/i, value: /^A[KS]IA[A-Z0-9]{16}$/ },
  { key: /secret_?id$/i, value: /^arn:[\w-]{1,20}:secretsmanager:[\w:/+=.@-]{1,600}$/ },
  { key: /secret_?version_?id$/i, value: new RegExp(`^${UUID}$`, 'i') },
  // Makes a request of AWS idempotent.
  {
    key: /client_?(?:request_?)?token$/i,
    value: new RegExp(`^(?:[a-z]{1,20}-)?${UUID}(?:-\\d{1,4})?$`, 'i'),
  },
  // Whoever shows a token is named by its issuer and its subject (`access/tokens`).
  { key: /^jwt$/i, value: /^[\da-f]{12}:/ },
  // Where a database is, without a user, a password and parameters.
  {
    key: /(?:database|db|mongo|mongodb|redis|amqp)_?ur[il]$/i,
    value: /^[a-z][a-z\d+.-]{0,20}:\/\/[\w.:[\]-]{1,256}(?:\/[\w.-]{0,64})?$/i,
  },
  // Whether the metadata of EC2 ask for a token.
  { key: /http_?tokens$/i, value: /^(?:optional|required)$/i },
];

/** Whether a value is such an identifier under its name. */
export function isIdentifier(name: string, value: string): boolean {
  return IDENTIFIERS.some(({ key, value: form }) => form.test(value) && key.test(name));
}
