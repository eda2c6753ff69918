import type { Provider } from '../token-forms.ts';

const TRUFFLEHOG = 'https://github.com/trufflesecurity/trufflehog/tree/main/pkg/detectors';

/** Databases, analytics, observation, flags of features, devices, and hashes of passwords. */
export const DATA: readonly Provider[] = [
  {
    name: 'Databricks',
    source: 'https://docs.databricks.com/aws/en/dev-tools/auth/pat',
    forms: ['(dapi|dose|dkea)<hex 32>(-<digit 1>|)'],
  },
  {
    name: 'PlanetScale',
    source: 'https://planetscale.com/docs/api/reference/service-tokens',
    forms: ['pscale_(tkn|oauth|pw|api)_<dotted 30+>'],
  },
  {
    name: 'Supabase',
    source: 'https://supabase.com/docs/guides/api/api-keys',
    forms: ['sb(p|_secret)_<base64url 20+>'],
  },
  {
    name: 'Neon',
    source: 'https://neon.com/docs/manage/api-keys',
    forms: ['napi_<lower 40+>', 'npg_<alnum 12+>'],
  },
  {
    name: 'Xata and Cockroach',
    source: 'https://www.cockroachlabs.com/docs/cockroachcloud/managing-access',
    forms: ['xau_<alnum 28+>', 'CCDB1_<alnum 22>_<alnum 40>'],
  },
  {
    name: 'MongoDB Atlas',
    source: 'https://www.mongodb.com/docs/atlas/api/service-accounts-overview/',
    forms: ['mdb_sa_sk_<base64url 40>'],
  },
  {
    name: 'DataStax Astra',
    source: 'https://docs.datastax.com/en/astra-db-serverless/administration/manage-application-tokens.html',
    forms: ['AstraCS:<alnum 20-40>:<hex 64>'],
  },
  {
    name: 'ClickHouse Cloud',
    source: 'https://clickhouse.com/docs/cloud/manage/openapi',
    forms: ['4b1d<alnum 38>'],
  },
  {
    name: 'Confluent',
    source:
      'https://docs.confluent.io/cloud/current/security/authenticate/workload-identities/service-accounts/api-keys/overview.html',
    forms: ['cflt<base64 60>'],
  },
  {
    name: 'Tinybird',
    source: 'https://www.tinybird.co/docs/forward/administration/tokens',
    forms: ['p.eyJ<base64url 20-400>.<base64url 20+>'],
  },
  {
    name: 'dbt',
    source: 'https://docs.getdbt.com/docs/dbt-cloud-apis/authentication',
    forms: ['dbt(u|c|s)_<base64url 30+>'],
  },
  {
    name: 'Prefect',
    source: 'https://docs.prefect.io/v3/manage/cloud/manage-users/api-keys',
    forms: ['pn(u|b)_<alnum 36>'],
  },
  {
    name: 'Postman',
    source: 'https://learning.postman.com/docs/developer/postman-api/authentication/',
    forms: ['PMAK-<hex 24>-<hex 34>', 'PMAT-<upper 26>'],
  },
  { name: 'PostHog', source: 'https://posthog.com/docs/api', forms: ['ph(x|c|s|a|r)_<alnum 32+>'] },
  { name: 'Segment', source: 'https://segment.com/docs/api/public-api/', forms: ['sgp_<alnum 64>'] },
  {
    name: 'Statsig',
    source: 'https://docs.statsig.com/access-management/api-keys/',
    forms: [],
    weak: ['(secret|console)-<alnum 36+>'],
  },
  {
    name: 'LaunchDarkly',
    source: 'https://launchdarkly.com/docs/home/account/api',
    forms: ['(api|sdk|mob|rel)-<uuid>'],
  },
  {
    name: 'Sentry',
    source: 'https://docs.sentry.io/account/auth-tokens/',
    forms: ['sntry(s|u|a|i)_<mixed64 40+>'],
  },
  {
    name: 'Grafana',
    source: 'https://grafana.com/docs/grafana/latest/administration/service-accounts/',
    forms: ['glc_<padded 32+>', 'glsa_<word 32+>', 'eyJrIjoi<padded 60+>'],
  },
  {
    name: 'New Relic',
    source: 'https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/',
    forms: [
      'NR(AK|II|IQ|JS|RA|BR)-<base64url 19+>',
      '<hex 32>FFFFNRAL',
      'eu01xx<hex 26>FFFFNRAL',
      '(AA|eu01xx)<hex 36-40>-NRMA',
    ],
  },
  {
    name: 'Dynatrace',
    source:
      'https://docs.dynatrace.com/docs/manage/identity-access-management/access-tokens-and-oauth-clients/access-tokens',
    forms: ['dt0(c|s|a|d|e|m)<digit 2>.<upper 24>.<upper 64>'],
  },
  {
    name: 'Honeycomb',
    source: 'https://docs.honeycomb.io/configure/environments/manage-api-keys/',
    forms: ['hc(a|b|c|x|am|xm)(ik|ic|lk|mk)_<lower 20+>', 'hc(am|xm|bm)k_<lower 20+>'],
  },
  { name: 'Axiom', source: 'https://axiom.co/docs/reference/tokens', forms: ['xa(at|pt)-<uuid>'] },
  {
    name: 'Checkly',
    source: 'https://www.checklyhq.com/docs/accounts-and-users/creating-api-key/',
    forms: ['cu_<hex 32>'],
  },
  { name: 'Rootly and FireHydrant', source: TRUFFLEHOG, forms: ['rootly_<hex 64>', 'fhb-<hex 32>'] },
  {
    name: 'Adafruit and Ubidots',
    source: 'https://io.adafruit.com/api/docs/#authentication',
    forms: ['aio_<alnum 28>', 'BBFF-<alnum 30>'],
  },
  { name: 'FullStory', source: TRUFFLEHOG, forms: ['(na1|eu1).<base64 100>'] },
  {
    name: 'Hashes of passwords (crypt, bcrypt, scrypt, Argon2)',
    source: 'https://man7.org/linux/man-pages/man5/crypt.5.html',
    forms: [
      '$2(a|b|x|y)$<digit 2>$<crypt 53>',
      '$(1|5|6|7|y|gy|apr1)$<crypt 1-86>$<crypt 22+>',
      '$(5|6)$rounds=<digit 1-9>$<crypt 1-16>$<crypt 22+>',
      '$y$<crypt 1-16>$<crypt 1-86>$<crypt 22+>',
      '$argon2(i|d|id)$v=<digit 1-3>$m=<digit 1-9>,t=<digit 1-6>,p=<digit 1-3>$<base64 8-128>$<base64 16+>',
    ],
  },
];
