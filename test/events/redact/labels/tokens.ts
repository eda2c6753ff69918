/** The documented forms of tokens by group, one each line: the provider, a colon and a space, and the form as `generate` reads it. */
export const TOKEN_FORMS: Readonly<Record<string, string>> = {
  clouds: `
AWS access key: AKIA<Base32 16>
AWS temporary access key: ASIA<Base32 16>
AWS STS bearer token: ABIA<Base32 16>
AWS context-specific credential: ACCA<Base32 16>
AWS session token: IQoJb3JpZ2lu<base64 400>==
AWS session token, older: FwoGZXIvYXdz<base64 300>=
AWS Bedrock key, long-lived: ABSK<base64 128>
AWS Bedrock key, short-lived: bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t<base64 300>
AWS AppSync key: da2-<lower 26>
Amazon MWS token: amzn.mws.<uuid>
Login with Amazon client secret: amzn1.oa2-cs.v1.<hex 64>
Login with Amazon access token: Atza|<base64url 300>
Google API key, also Gemini: AIzaSy<base64url 33>
Gemini auth key: AQ.Ab8<base64url 47>
Google OAuth access token: ya29.a0<base64url 180>
Google OAuth client secret: GOCSPX-<base64url 28>
Google refresh token: 1//0<base64url 99>
Google Cloud Storage HMAC key: GOOG1E<upper 55>
Firebase Cloud Messaging key: AAAA<base64url 7>:APA91b<base64url 134>
reCAPTCHA secret: 6Le<base64url 37>
Azure storage key: <base64 76>+ASt<base64 5><last4 1>==
Azure Batch key: <base64 76>+ABa<base64 5><last4 1>==
Azure Cosmos DB key: <base64 76>ACDb<base64 5><last4 1>==
Azure API Management key: <base64 76>APIM<base64 5><last4 1>==
Azure Service Bus key: <base64 33>+ASb<last16 1><base64 5>=
Azure Event Hub key: <base64 33>+AEh<last16 1><base64 5>=
Azure IoT key: <base64 33>AIoT<last16 1><base64 5>=
Azure Event Grid key: <base64 33>AZEG<last16 1><base64 5>=
Azure Functions key: <base64url 44>AzFu<base64url 5><last4 1>==
Azure AD client secret: <base62 3>8Q~<base62 34>
Azure container registry: <base64 42>+ACR<base62 6>
Azure Search key: <base62 42>AzSe<base62 6>
Azure DevOps token: <base62 76>AZDO<base62 4>
Azure DevOps token, older: <base32 52>
Azure AI services key: <base62 52>JQQJ99<base62 14>ACOG<base62 8>
DigitalOcean personal: dop_v1_<hex 64>
DigitalOcean OAuth: doo_v1_<hex 64>
DigitalOcean refresh: dor_v1_<hex 64>
DigitalOcean Spaces: DO00<upper 16>
Alibaba AccessKey id: LTAI5t<base62 18>
Alibaba STS: STS.<base62 26>
Tencent SecretId: AKID<base62 32>
Yandex API key: AQVN<base64url 36>
Yandex static key: YCA<base64url 22>-<base64url 14>
Yandex IAM token: t1.<base64url 200>.<base64url 86>
Yandex OAuth: y0_<base64url 55>
Volcano Engine access key: AKLT<base64url 43>
Baidu Qianfan: bce-v3/ALTAK-<base62 21>/<hex 40>
JD Cloud: JDC_<upper 28>
Naver Cloud: ncp_iam_<base62 30>
Scaleway access key: SCW<upper 17>
Cloudflare global key: cfk_<base62 40><hex 8>
Cloudflare user token: cfut_<base62 40><hex 8>
Cloudflare account token: cfat_<base62 40><hex 8>
Cloudflare origin CA key: v1.0-<hex 24>-<hex 146>
Cloudflare Turnstile: 0x4AAAAAAA<base64url 24>
Akamai: akab-<lower 16>-<lower 16>
Heroku: HRKU-AA<base64url 58>
Fly.io personal: fo1_<base64url 43>
Fly.io macaroon: fm2_<base64 600>
Fly.io with its scheme: FlyV1 fm2_<base64 600>
Vercel personal: vcp_<base62 56>
Vercel AI gateway: vck_<base62 56>
Netlify: nfp_<base62 36>
Render: rnd_<base62 28>
Deno Deploy: ddp_<base62 36>
Scalingo: tk-us-<base64url 48>
Tailscale: tskey-api-<base62 17>-<base62 32>
NetBird: nbp_<base62 36>
Defined Networking: dnkey-<upper 26>-<upper 52>
ngrok: 2<base62 26>_<base62 21>
Vault service token: hvs.<base64url 95>
Vault batch token: hvb.<base64url 140>
Vault recovery token: hvr.<base64url 95>
Terraform Cloud: <base62 14>.atlasv1.<base62 67>
HashiCorp Boundary: at_<base62 10>_<base62 160>
Pulumi: pul-<hex 40>
Doppler personal: dp.pt.<base62 43>
Doppler service: dp.st.prd.<base62 43>
Doppler service account: dp.sa.<base62 43>
Infisical service token: st.<hex 24>.<hex 32>.<hex 32>
Bitwarden machine account: 0.<uuid>.<base62 30>:<base64 22>==
1Password service account: ops_eyJ<base64 500>
1Password secret key: A3-<upper 6>-<upper 6>-<upper 5>-<upper 5>-<upper 5>-<upper 5>
Docker personal: dckr_pat_<base64url 27>
Docker organization: dckr_oat_<base64url 32>
Docker Swarm: SWMTKN-1-<lower 50>-<lower 25>
OpenShift: sha256~<base64url 43>
Rancher: token-<lower 5>:<lower 54>
Aiven service password: AVNS_<base64url 19>
Elastic Cloud: essu_<base64 60>==`,
  code: `
GitHub personal: ghp_<base62 30><crc>
GitHub OAuth: gho_<base62 30><crc>
GitHub user to server: ghu_<base62 30><crc>
GitHub server to server: ghs_<base62 30><crc>
GitHub refresh: ghr_<base62 70><crc>
GitHub server to server, stateless: ghs_<digit 7>_eyJ<base64url 30>.<base64url 200>.<base64url 43>
GitHub fine-grained: github_pat_<base62 22>_<base62 53><crc>
GitLab personal: glpat-<base64url 20>
GitLab personal, routable: glpat-<base64url 27>.01.<lower 9>
GitLab deploy: gldt-<base64url 20>
GitLab runner authentication: glrt-<base64url 20>
GitLab runner registration: GR1348941<base64url 20>
GitLab pipeline trigger: glptt-<hex 40>
GitLab feed: glft-<base64url 20>
GitLab SCIM: glsoat-<base64url 20>
GitLab incoming mail: glimt-<base64url 25>
GitLab agent: glagent-<base64url 50>
GitLab OAuth secret: gloas-<hex 64>
GitLab CI job: glcbt-64_<base64url 20>
GitLab feature flags: glffct-<base64url 20>
Atlassian API token: ATATT3xFfGF0<base64url 170>=<hex 8>
Atlassian access token: ATCTT3xFfGN0<base64url 170>=<hex 8>
Bitbucket app password: ATBB<base62 32>
Bitbucket Data Center: BBDC-<base64 44>
Trello: ATTA<hex 72>
npm: npm_<base62 30><crc>
PyPI: pypi-AgEIcHlwaS5vcmc<base64url 150>
RubyGems: rubygems_<hex 48>
NuGet: oy2<lower 43>
crates.io: cio<base62 32>
Clojars: CLOJARS_<hex 60>
Packagist: packagist_out_<hex 68>
Artifactory API key: AKCp<base62 69>
Artifactory reference token: cmVmdGtu<base62 56>
SonarQube user: squ_<hex 40>
SonarQube project: sqp_<hex 40>
SonarQube analysis: sqa_<hex 40>
SonarCloud organization: sqco_<base62 59>
CircleCI personal: CCIPAT_<base62 22>_<hex 40>
CircleCI project: CCIPRJ_<base62 22>_<hex 40>
Buildkite API: bkua_<hex 40>
Buildkite agent session: bkaa_<base62 60>
Buildkite cluster: bkct_<base62 48>
Jenkins: 11<hex 32>
Octopus Deploy: API-<upper 26>
Harness personal: pat.<base64url 22>.<hex 24>.<base62 20>
Harness service account: sat.<base64url 22>.<hex 24>.<base62 20>
Sourcegraph: sgp_<hex 40>
Sourcegraph with instance: sgp_<hex 16>_<hex 40>
Sourcegraph Cody: slk_<hex 64>
Dependency-Track: odt_<base62 32>
StackHawk: hawk.<base64url 20>.<base64url 20>
Endor Labs: endr+<base62 16>
Nightfall: NF-<base62 32>
TruffleHog: thog-secret-<hex 32>
Infracost: ico-<base62 32>
Authress: sc_<lower 10>.<lower 4>.acc-<lower 20>.<base64url 60>
Intra42: s-s4t2ud-<hex 64>
SettleMint: sm_pat_<base62 16>
MaxMind: <base62 6>_<base62 29>_mmk`,
  'artificial intelligence': `
OpenAI project: sk-proj-<base64url 74>T3BlbkFJ<base64url 74>
OpenAI service account: sk-svcacct-<base64url 74>T3BlbkFJ<base64url 74>
OpenAI admin: sk-admin-<base64url 58>T3BlbkFJ<base64url 58>
OpenAI, older: sk-<base62 20>T3BlbkFJ<base62 20>
Anthropic: sk-ant-api03-<base64url 93>AA
Anthropic admin: sk-ant-admin01-<base64url 93>AA
OpenRouter: sk-or-v1-<hex 64>
DeepSeek: sk-<hex 32>
Stability: sk-<base62 48>
Groq: gsk_<base62 52>
Hugging Face: hf_<letter 34>
Hugging Face organization: api_org_<letter 34>
Replicate: r8_<base62 37>
xAI: xai-<base62 80>
Perplexity: pplx-<base62 48>
NVIDIA: nvapi-<base64url 64>
ElevenLabs: sk_<hex 48>
LangSmith personal: lsv2_pt_<hex 32>_<hex 10>
LangSmith service: lsv2_sk_<hex 32>_<hex 10>
LangSmith, older: ls__<hex 32>
Langfuse: sk-lf-<uuid>
Pinecone: pcsk_<base62 5>_<base62 63>
Weights & Biases: wandb_v1_<word 77>
Together: tgp_v1_<base64url 43>
Fireworks: fw_<base62 24>
Cerebras: csk-<lower 48>
Tavily: tvly-<base62 32>
Tavily development: tvly-dev-<base62 32>
Firecrawl: fc-<hex 32>
Jina: jina_<hex 32><base64url 28>
Voyage: pa-<base64url 43>
Anyscale: esecret_<lower 26>
LlamaIndex: llx-<base62 48>
E2B: e2b_<hex 40>
Modal: ak-<base62 22>
RunPod: rpa_<upper 40>
Apify: apify_api_<base62 36>
Cursor: key_<hex 64>
Salad: salad_cloud_user_<base62 40>
Voiceflow: VF.DM.<hex 24>.<base62 16>`,
  payments: `
Stripe secret: sk_live_<base62 99>
Stripe test: sk_test_<base62 24>
Stripe restricted: rk_live_<base62 99>
Stripe webhook: whsec_<base62 32>
Stripe payment intent secret: pi_<base62 24>_secret_<base62 25>
PayPal client id: A<base64url 79>
PayPal client secret: E<base64url 79>
PayPal access token: A21AA<base64url 92>
Braintree access token: access_token$production$<lower 16>$<hex 32>
Braintree sandbox access token: access_token$sandbox$<lower 16>$<hex 32>
Braintree tokenization key: sandbox_<lower 8>_<lower 16>
Plaid access token: access-production-<uuid>
Plaid sandbox access token: access-sandbox-<uuid>
Plaid link token: link-sandbox-<uuid>
Plaid public token: public-production-<uuid>
Adyen API key: AQE<base64 101>==-<base64 43>=-<base62 16>
Square access token: EAAA<base64url 60>
Square personal: sq0atp-<base64url 22>
Square OAuth secret: sq0csp-<base64url 43>
Shopify access token: shpat_<hex 32>
Shopify custom app: shpca_<hex 32>
Shopify private app: shppa_<hex 32>
Shopify shared secret: shpss_<hex 32>
Razorpay: rzp_live_<base62 14>
Flutterwave secret: FLWSECK-<lower 32>-X
Flutterwave test: FLWSECK_TEST-<hex 32>-X
Mollie: live_<base62 30>
Mollie test: test_<base62 30>
GoCardless: live_<base64url 40>
Lob: live_<hex 35>
Lob public: live_pub_<hex 31>
Chargebee: live_<base62 40>
Paystack: sk_live_<hex 40>
Checkout.com: sk_sbox_<lower 26>
Checkout.com live: sk_<lower 26>
Recharge: sk_1x1_<hex 64>
Paddle: pdl_live_apikey_<lower 26>_<base62 22>_<base62 3>
Paddle webhook: pdl_ntfset_<lower 26>_<base62 32>
Ramp: ramp_sec_<base62 48>
Brex: bxt_<base62 40>
Mercury: secret-token:mercury_production_wma_<base62 44>_yrucrem
Pagar.me: ak_live_<base62 30>
Persona: persona_production_<hex 40>
Onfido: api_live.<base64url 11>.<base64url 32>
EasyPost: EZAK<base62 54>
EasyPost test: EZTK<base62 54>
Shippo: shippo_live_<hex 40>
Duffel: duffel_live_<base64url 43>
Flexport: shltm_<base64url 40>
Fleetbase: flb_live_<base62 20>
Robinhood: rh-api-<uuid>
Bitcoin extended key: xprv<base58 107>
Nostr: nsec1<bech32 58>
age: AGE-SECRET-KEY-1<BECH32 58>`,
  'messages and offices': `
Slack bot: xoxb-<digit 12>-<digit 13>-<base62 24>
Slack user: xoxp-<digit 12>-<digit 12>-<digit 13>-<hex 32>
Slack app: xapp-1-A<upper 10>-<digit 13>-<hex 64>
Slack configuration: xoxe.xoxp-1-<base62 166>
Slack configuration refresh: xoxe-1-<base62 147>
Slack webhook: hooks.slack.com/services/T<upper 8>/B<upper 10>/<base62 24>
Slack workflow: hooks.slack.com/workflows/T<upper 8>/A<upper 10>/<digit 18>/<base62 24>
Discord bot: MTE<base62 21>.G<base64url 5>.<base64url 38>
Discord webhook: discord.com/api/webhooks/<digit 19>/<base64url 68>
Telegram bot: <digit 10>:AA<base64url 33>
Teams webhook: webhook.office.com/webhookb2/<uuid>@<uuid>/IncomingWebhook/<hex 32>/<uuid>
Zapier webhook: hooks.zapier.com/hooks/catch/<digit 8>/<lower 7>
Tines webhook: tines.com/webhook/<hex 32>/<hex 32>
Twilio API key: SK<hex 32>
SendGrid: SG.<base64url 22>.<base64url 43>
Mailgun, older: key-<hex 32>
Mailgun: <hex 32>-<hex 8>-<hex 8>
Mailchimp: <hex 32>-us12
Mandrill: md-<base64url 22>
MailerSend: mlsn.<hex 64>
Resend: re_<base62 8>_<base62 24>
Brevo: xkeysib-<hex 64>-<base62 16>
Brevo SMTP: xsmtpsib-<hex 64>-<base62 16>
Klaviyo: pk_<hex 34>
ClickUp: pk_<digit 8>_<upper 32>
OneSignal: os_v2_app_<base32 104>
Ably: <base62 6>.<base62 6>:<base64url 43>
PubNub secret: sec-c-<base64 48>
PubNub publish: pub-c-<uuid>
Webex bot: <base62 64>_<base62 4>_<uuid>
Facebook: EAAM<base62 180>
Instagram: IGQVJ<base62 150>
Facebook app token: <digit 16>|<base64url 27>
X bearer: AAAAAAAAAAAAAAAAAAAAAM<base62 90>
X access token: <digit 19>-<base62 40>
Twitch: oauth:<lower 30>
LinkedIn: AQV<base64url 350>
Pinterest: pina_<upper 92>
Okta: 00<base64url 40>
Stytch: secret-live-<base64url 47>=
hCaptcha: ES_<hex 32>
PASETO: v4.local.<base64url 200>
Salesforce access token: 00D<base62 12>!<base62 96>
Salesforce consumer key: 3MVG9<base62 80>
Salesforce refresh token: 5AEP861<base62 80>
Zoho: 1000.<hex 32>.<hex 32>
HubSpot: pat-na1-<uuid>
Intercom: dG9rO<base64 54>=
Airtable: pat<base62 14>.<hex 64>
Airtable OAuth: oaa<base62 14>.v1.<base64url 80>.<hex 64>
Asana: 1/<digit 16>:<hex 32>
Asana, second form: 2/<digit 16>/<digit 16>:<hex 32>
Linear: lin_api_<base62 40>
Linear OAuth: lin_oauth_<hex 64>
Notion: ntn_<digit 11><base62 35>
Notion, older: secret_<base62 43>
Figma: figd_<base64url 43>
Dropbox: sl.<base64url 135>
Dropbox, newer: sl.u.<base64url 180>
Contentful: CFPAT-<base64url 43>
Sanity: sk<base62 150>
Mapbox: sk.eyJ<base64url 80>.<base64url 22>
Typeform: tfp_<base64url 44>
ReadMe: rdme_<lower 70>
Adobe OAuth secret: p8e-<base64url 32>
Frame.io: fio-u-<base64url 64>
Close: api_<base62 22>.<base62 22>
Bannerbear: bb_pr_<hex 30>`,
  'data and operation': `
Databricks: dapi<hex 32>
Databricks with a number: dapi<hex 32>-2
Databricks OAuth secret: dose<hex 32>
PlanetScale password: pscale_pw_<base64url 43>
PlanetScale service token: pscale_tkn_<base64url 43>
PlanetScale OAuth: pscale_oauth_<base64url 43>
Supabase personal: sbp_<hex 40>
Supabase secret key: sb_secret_<base64url 31>
Neon API key: napi_<lower 64>
Neon password: npg_<base62 12>
Xata: xau_<base62 43>
CockroachDB Cloud: CCDB1_<base62 22>_<base62 40>
MongoDB Atlas: mdb_sa_sk_<base64url 40>
DataStax Astra: AstraCS:<base62 24>:<hex 64>
ClickHouse Cloud: 4b1d<base62 38>
Confluent: cflt<base64 60>
Tinybird: p.eyJ<base64url 100>.<base64url 43>
dbt: dbtu_<base64url 43>
dbt service: dbtc_<base64url 43>
Prefect: pnu_<base62 36>
Postman: PMAK-<hex 24>-<hex 34>
Postman collection: PMAT-<upper 26>
PostHog personal: phx_<base62 43>
PostHog project: phc_<base62 43>
Segment: sgp_<base62 64>
Statsig: secret-<base62 43>
LaunchDarkly API: api-<uuid>
LaunchDarkly SDK: sdk-<uuid>
Sentry user: sntryu_<hex 64>
Sentry organization: sntrys_eyJpYXQiO<base64 150>=_<base64 43>
Grafana service account: glsa_<base62 32>_<hex 8>
Grafana Cloud: glc_eyJ<base64 120>
Grafana API key: eyJrIjoi<base62 80>
New Relic user: NRAK-<upper 27>
New Relic insert: NRII-<base64url 32>
New Relic license: <hex 32>FFFFNRAL
New Relic license of Europe: eu01xx<hex 26>FFFFNRAL
New Relic mobile: AA<hex 40>-NRMA
Dynatrace: dt0c01.<Base32 24>.<Base32 64>
Honeycomb: hcaik_<lower 58>
Axiom: xaat-<uuid>
Checkly: cu_<hex 32>
Rootly: rootly_<hex 64>
FireHydrant: fhb-<hex 32>
Adafruit IO: aio_<base62 28>
Ubidots: BBFF-<base62 30>
FullStory: na1.<base64 100>
bcrypt hash: $2b$12$<crypt 53>
SHA-512 crypt hash: $6$<crypt 16>$<crypt 86>
SHA-256 crypt hash with rounds: $5$rounds=5000$<crypt 16>$<crypt 43>
yescrypt hash: $y$j9T$<crypt 22>$<crypt 43>
Argon2 hash: $argon2id$v=19$m=65536,t=3,p=4$<base64 22>$<base64 43>`,
};
