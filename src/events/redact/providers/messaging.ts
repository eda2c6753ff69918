import type { Provider } from '../token-forms.ts';

const TRUFFLEHOG = 'https://github.com/trufflesecurity/trufflehog/tree/main/pkg/detectors';

/** Mail, chats, social networks, webhooks, identities, and the services of offices. */
export const MESSAGING: readonly Provider[] = [
  {
    name: 'Slack',
    source: 'https://docs.slack.dev/authentication/tokens/',
    forms: [
      'xox(a|b|c|d|e|o|p|r|s)(.xoxb|.xoxp|)-<base64url 10+>',
      'xapp-<digit 1>-<base64url 10+>',
      'hooks.slack(-gov|).com/(services|workflows|triggers)/<base64url 6-20>/<base64url 6-24>/<mixed64 16+>',
    ],
  },
  {
    name: 'Discord',
    source: 'https://discord.com/developers/docs/reference#authentication',
    forms: [
      '(MD|MT|Mj|Mz|ND|NT|Nj|Nz|OD|OT)<base64url 20-26>.<base64url 6>.<base64url 27-45>',
      'discord(app|).com/api/webhooks/<digit 15-22>/<base64url 40+>',
      'discord(app|).com/api/v<digit 1-2>/webhooks/<digit 15-22>/<base64url 40+>',
    ],
  },
  {
    name: 'Telegram',
    source: 'https://core.telegram.org/bots/features#generating-an-authentication-token',
    forms: ['<digit 6-16>:A<base64url 34>'],
  },
  {
    name: 'Microsoft Teams, Zapier and Tines',
    source:
      'https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook',
    forms: [
      'webhook.office.com/webhookb2/<uuid>@<uuid>/IncomingWebhook/<alnum 32>/<base64url 36+>',
      'hooks.zapier.com/hooks/catch/<digit 4-12>/<alnum 5+>',
      'tines.com/webhook/<lower 32>/<lower 32>',
    ],
  },
  { name: 'Twilio', source: 'https://www.twilio.com/docs/iam/api-keys', forms: ['SK<hex 32>'] },
  {
    name: 'SendGrid',
    source: 'https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys',
    forms: ['SG.<base64url 16-32>.<base64url 16+>'],
  },
  {
    name: 'Mailgun',
    source: 'https://documentation.mailgun.com/docs/mailgun/user-manual/api-key-mgmt/',
    forms: ['(key|pubkey)-<hex 32>', '<hex 32>-<hex 8>-<hex 8>'],
  },
  {
    name: 'Mailchimp',
    source: 'https://mailchimp.com/developer/marketing/docs/fundamentals/',
    forms: ['<hex 32>-us<digit 1-2>'],
  },
  {
    name: 'Mandrill',
    source: 'https://mailchimp.com/developer/transactional/docs/fundamentals/',
    forms: [],
    weak: ['md-<base64url 22>'],
  },
  {
    name: 'MailerSend',
    source: 'https://developers.mailersend.com/api/v1/token.html',
    forms: ['mlsn.<hex 64>'],
  },
  {
    name: 'Resend',
    source: 'https://resend.com/docs/dashboard/api-keys/introduction',
    forms: ['re_<alnum 8>_<alnum 24>'],
  },
  {
    name: 'Brevo',
    source: 'https://developers.brevo.com/docs/getting-started',
    forms: ['(xkeysib|xsmtpsib)-<base64url 60+>'],
  },
  {
    name: 'Klaviyo and ClickUp',
    source: 'https://developers.klaviyo.com/en/docs/authenticate_',
    forms: ['pk_<hex 34>', 'pk_<alnum 6>_<hex 34>', 'pk_<digit 6-10>_<upper 32>'],
  },
  {
    name: 'OneSignal',
    source: 'https://documentation.onesignal.com/docs/en/keys-and-ids',
    forms: ['os_v2_(app|org)_<lower 80+>'],
  },
  { name: 'Ably', source: 'https://ably.com/docs/auth', forms: ['<alnum 6>.<alnum 6>:<base64url 43>'] },
  {
    name: 'PubNub',
    source: 'https://www.pubnub.com/docs/general/setup/account-setup',
    forms: ['(pub|sub)-c-<uuid>', 'sec-c-<base64 40+>'],
  },
  { name: 'Webex', source: TRUFFLEHOG, forms: ['<alnum 64>_<alnum 4>_<uuid>'] },
  {
    name: 'Facebook, Instagram and Oculus',
    source: 'https://developers.facebook.com/docs/facebook-login/guides/access-tokens/',
    forms: ['EAA<alnum 90+>', 'IGQ<base64url 100+>', '<digit 15-16>|<base64url 27-40>'],
  },
  {
    name: 'X',
    source: 'https://docs.x.com/resources/fundamentals/authentication/oauth-2-0/application-only',
    forms: ['AAAAAAAAAAAAAAAAAAAAA<padded 60+>'],
    weak: ['<digit 15-20>-<alnum 40>'],
  },
  { name: 'Twitch', source: 'https://dev.twitch.tv/docs/chat/authenticating/', forms: ['oauth:<lower 30>'] },
  {
    name: 'LinkedIn',
    source: 'https://learn.microsoft.com/en-us/linkedin/shared/authentication/authentication',
    forms: ['AQ(E|S|T|U|V|W|X)<base64url 250+>'],
  },
  {
    name: 'Pinterest',
    source: 'https://developers.pinterest.com/docs/getting-started/authentication/',
    forms: ['pin(a|r)_<alnum 60+>'],
  },
  {
    name: 'Okta',
    source: 'https://developer.okta.com/docs/guides/create-an-api-token/',
    forms: [],
    weak: ['00<base64url 40>'],
  },
  {
    name: 'Stytch',
    source: 'https://stytch.com/docs/api/authentication',
    forms: ['secret-(live|test)-<urlpadded 30+>'],
  },
  { name: 'hCaptcha', source: 'https://docs.hcaptcha.com/', forms: ['ES_<hex 32>'] },
  {
    name: 'PASETO',
    source: 'https://github.com/paseto-standard/paseto-spec',
    forms: ['v(1|2|3|4).(local|public).<base64url 40+>'],
  },
  {
    name: 'Salesforce',
    source: TRUFFLEHOG,
    forms: ['00D<alnum 12>!<dotted 90+>', '3MVG9<dotted 60+>', '5AEP861<dotted 60+>'],
  },
  {
    name: 'Zoho',
    source: 'https://www.zoho.com/accounts/protocol/oauth.html',
    forms: ['1000.<hex 32>.<hex 32>'],
  },
  {
    name: 'HubSpot',
    source: 'https://developers.hubspot.com/docs/guides/apps/private-apps/overview',
    forms: ['pat-(na|eu|ap)<digit 1>-<uuid>'],
  },
  {
    name: 'Intercom',
    source: 'https://developers.intercom.com/docs/build-an-integration/learn-more/authentication',
    forms: ['dG9rO<padded 50+>'],
  },
  {
    name: 'Airtable',
    source: 'https://airtable.com/developers/web/api/authentication',
    forms: ['pat<alnum 14>.<hex 62-66>', 'oaa<alnum 14>.v1.<base64url 10-400>.<hex 40+>'],
  },
  {
    name: 'Asana',
    source: 'https://developers.asana.com/docs/personal-access-token',
    forms: ['(0|1)/<digit 10-20>:<hex 32>', '2/<digit 10-20>/<digit 10-20>:<hex 32>'],
  },
  {
    name: 'Linear',
    source: 'https://linear.app/developers/graphql',
    forms: ['lin_(api|oauth|wh)_<word 32+>'],
  },
  {
    name: 'Notion',
    source: 'https://developers.notion.com/reference/authentication',
    forms: ['ntn_<alnum 40+>', 'secret_<alnum 43>'],
  },
  {
    name: 'Figma',
    source: 'https://developers.figma.com/docs/rest-api/authentication/',
    forms: ['fig(d|o|u|r|p|oh|or)_<urlpadded 40+>'],
  },
  {
    name: 'Dropbox',
    source: 'https://www.dropbox.com/developers/documentation/http/documentation',
    forms: ['sl.(u.|)<base64url 100+>'],
  },
  {
    name: 'Contentful',
    source: 'https://www.contentful.com/developers/docs/references/authentication/',
    forms: ['CFPAT-<base64url 43>'],
  },
  { name: 'Sanity', source: 'https://www.sanity.io/docs/content-lake/http-auth', forms: ['sk<alnum 78+>'] },
  {
    name: 'Mapbox',
    source: 'https://docs.mapbox.com/help/dive-deeper/access-tokens/',
    forms: ['(s|p|t)k.eyJ<base64url 40-400>.<base64url 20+>'],
  },
  {
    name: 'Typeform',
    source: 'https://www.typeform.com/developers/get-started/personal-access-token/',
    forms: ['tfp_<base64url 40+>'],
  },
  {
    name: 'ReadMe',
    source: 'https://docs.readme.com/main/reference/intro/authentication',
    forms: ['rdme_<lower 60+>'],
  },
  {
    name: 'Adobe',
    source: 'https://developer.adobe.com/developer-console/docs/guides/authentication/',
    forms: ['p8e-<base64url 32+>', 'fio-u-<urlpadded 64>'],
  },
  {
    name: 'Close and Bannerbear',
    source: TRUFFLEHOG,
    forms: ['api_<alnum 22>.<alnum 22>', 'bb_(pr|ma)_<hex 30>'],
  },
];
