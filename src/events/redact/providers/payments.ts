import type { Provider } from '../token-forms.ts';

const GITLEAKS = 'https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml';
const TRUFFLEHOG = 'https://github.com/trufflesecurity/trufflehog/tree/main/pkg/detectors';

/** Payments, shops, banks, deliveries and currencies. */
export const PAYMENTS: readonly Provider[] = [
  {
    name: 'Stripe',
    source: 'https://docs.stripe.com/keys',
    forms: [
      '(p|r|s)k_(live|test|prod)_<word 10+>',
      'whsec_<mixed64 20+>',
      '(pi|seti|cs)_<alnum 14-30>_secret_<alnum 20+>',
    ],
  },
  {
    name: 'PayPal',
    source: 'https://developer.paypal.com/api/rest/authentication/',
    forms: ['A21AA<base64url 80+>', 'access_token$(production|sandbox)$<lower 16>$<hex 32>'],
    weak: ['(A|E)<base64url 79>'],
  },
  {
    name: 'Braintree',
    source: 'https://developer.paypal.com/braintree/docs/guides/authorization/tokenization-key',
    forms: ['(sandbox|production)_<lower 8>_<lower 16>'],
  },
  {
    name: 'Plaid',
    source: 'https://plaid.com/docs/api/tokens/',
    forms: ['(access|link|public|processor|assets|asset-report)-(sandbox|development|production)-<uuid>'],
  },
  {
    name: 'Adyen',
    source: 'https://docs.adyen.com/development-resources/api-credentials/',
    forms: ['AQE<padded 60-200>-<padded 40-120>-<sign 16>'],
  },
  {
    name: 'Square',
    source: 'https://developer.squareup.com/docs/build-basics/access-tokens',
    forms: ['sq0(atp|csp|idp|idb|cst|acs)-<base64url 22+>', 'EAAA<base64url 60>'],
  },
  {
    name: 'Shopify',
    source: 'https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens',
    forms: ['shp(at|ca|pa|ss|ua|it|rt|tka)_<alnum 32+>'],
  },
  {
    name: 'Razorpay',
    source: 'https://razorpay.com/docs/api/authentication/',
    forms: ['rzp_(live|test)_<alnum 14>'],
  },
  { name: 'Flutterwave', source: GITLEAKS, forms: ['FLW(SEC|PUB)K(_TEST|)-<alnum 12-40>(-X|)'] },
  {
    name: 'Mollie, GoCardless, Lob and Chargebee',
    source: 'https://docs.mollie.com/reference/authentication',
    forms: ['(live|test)_pub_<hex 31>'],
    weak: ['(live|test|sandbox)_<base64url 28+>'],
  },
  {
    name: 'Checkout.com, Recharge and others that begin like Stripe',
    source: 'https://www.checkout.com/docs/developer-resources/api/manage-api-keys',
    forms: ['(s|p)k_sbox_<lower 26>', 'sk(_test|)_<digit 1-2>x<digit 1>_<hex 64>'],
    weak: ['sk_<lower 26>'],
  },
  {
    name: 'Paddle',
    source: 'https://developer.paddle.com/api-reference/about/api-keys',
    forms: [
      'pdl_(live_|sdbx_|)apikey_<lower 26>_<alnum 22>_<alnum 3>',
      'pdl_ntfset_<lower 26>_<base64url 24+>',
    ],
  },
  { name: 'Ramp', source: TRUFFLEHOG, forms: ['ramp_(id|sec)_<alnum 40+>'] },
  { name: 'Brex', source: 'https://developer.brex.com/docs/authentication/', forms: ['bxt_<alnum 36+>'] },
  {
    name: 'Mercury, and the scheme of RFC 8959',
    source: 'https://www.rfc-editor.org/rfc/rfc8959',
    forms: ['secret-token:<tilde 16+>', 'mercury_(production|sandbox)_<word 30+>'],
  },
  { name: 'Pagar.me', source: TRUFFLEHOG, forms: ['ak_(live|test)_<alnum 30>'] },
  {
    name: 'Persona',
    source: 'https://docs.withpersona.com/api-keys',
    forms: ['persona_(production|sandbox)_<word 20+>'],
  },
  {
    name: 'Onfido',
    source: 'https://documentation.onfido.com/api/latest/#api-tokens',
    forms: ['api_(live|sandbox)(_us|_ca|_eu|).<base64url 11>.<base64url 32>'],
  },
  {
    name: 'EasyPost',
    source: 'https://docs.easypost.com/docs/authentication',
    forms: ['EZ(A|T)K<alnum 40+>'],
  },
  {
    name: 'Shippo',
    source: 'https://docs.goshippo.com/docs/guides_general/authentication/',
    forms: ['shippo_(live|test)_<xdigit 40>'],
  },
  {
    name: 'Duffel',
    source: 'https://duffel.com/docs/api/overview/authentication',
    forms: ['duffel_(test|live)_<urlpadded 43+>'],
  },
  {
    name: 'Flexport and Fleetbase',
    source: TRUFFLEHOG,
    forms: ['shltm_<base64url 40+>', 'flb_(live|test)_<alnum 20>'],
  },
  { name: 'Robinhood', source: TRUFFLEHOG, forms: ['rh-api-<uuid>'] },
  {
    name: 'Extended private keys of Bitcoin (BIP 32), and keys of Nostr and age',
    source: 'https://github.com/bitcoin/bips/blob/master/bip-0032.mediawiki',
    forms: ['(x|y|z|t|u|v)prv<alnum 107>', 'nsec1<lower 58>', 'AGE-SECRET-KEY-(PQ-|)1<alnum 40+>'],
  },
];
