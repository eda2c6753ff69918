import type { Provider } from '../token-forms.ts';

/** Clouds, hosting, networks and the stores of secrets. */
export const CLOUD: readonly Provider[] = [
  {
    name: 'Amazon Web Services',
    source:
      'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids',
    forms: [
      'A(KIA|SIA|BIA|CCA)<upper 16>',
      '(IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)<padded 40+>',
      'ABSK<padded 100+>',
      'bedrock-api-key-<padded 100+>',
      'da2-<lower 26>',
      'amzn.mws.<uuid>',
      'amzn1.oa2-cs.v1.<hex 64>',
      'Atz(a|r)|<mixed64 40+>',
    ],
  },
  {
    name: 'Google',
    source: 'https://cloud.google.com/docs/authentication/api-keys',
    forms: [
      'AIza<base64url 35+>',
      'AQ.Ab<base64url 30+>',
      'ya29.<dotted 20+>',
      'GOCSPX-<base64url 20+>',
      '1//0<base64url 20+>',
      '4/0A<base64url 60+>',
      'GOOG1E<upper 55>',
      'AAAA<base64url 7>:APA91b<base64url 100+>',
    ],
    weak: ['6L(c|d|e|f)<base64url 37>'],
  },
  {
    name: 'Microsoft Azure',
    source: 'https://learn.microsoft.com/en-us/purview/sit-azure-storage-account-key',
    forms: [
      '<base64 76>(APIM|ACDb|+ABa|+AMC|+ASt)<base64 5><last4 1>==',
      '<base64 33>(AIoT|AZEG|+ASb|+AEh|+ARm)<last16 1><base64 5>=',
      '<base64url 44>AzFu<base64url 5><last4 1>==',
      '<tilde 3><digit 1>Q~<tilde 31-34>',
      '<base64 42>+ACR<alnum 6>',
      '<alnum 42>AzSe<alnum 6>',
      '<alnum 76>AZDO<alnum 4>',
      '<alnum 52>JQQJ99<alnum 26>',
      '(0|1).A<base64url 50-800>.Ag<dotted 200+>',
    ],
    weak: ['<base32 52>'],
  },
  {
    name: 'DigitalOcean',
    source: 'https://docs.digitalocean.com/reference/api/create-personal-access-token/',
    forms: ['do(o|p|r)_v1_<hex 40+>', 'DO00<upper 16>'],
  },
  {
    name: 'Alibaba Cloud',
    source: 'https://www.alibabacloud.com/help/en/ram/user-guide/create-an-accesskey-pair',
    forms: ['LTAI<alnum 12-26>', 'STS.<alnum 20-40>'],
  },
  {
    name: 'Tencent Cloud',
    source: 'https://www.tencentcloud.com/document/product/598/32675',
    forms: ['AKID<base64url 32+>'],
  },
  {
    name: 'Yandex Cloud',
    source: 'https://yandex.cloud/en/docs/security/operations/search-secrets',
    forms: [
      'AQVN<base64url 35-40>',
      'YC(A|B|M|N|O|P)<base64url 37>',
      't1.<urlpadded 10-2000>.<urlpadded 86+>',
      'y(0|1|2|3)_<base64url 50+>',
    ],
  },
  {
    name: 'Volcano Engine, Baidu, JD and Naver',
    source:
      'https://docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns',
    forms: [
      'AK(LT|TP)<urlpadded 40+>',
      'bce-v3/ALTAK-<alnum 16-24>/<hex 40>',
      'ALTAK(|-)<alnum 21>',
      'JDC_<upper 28>',
      'ncp_iam_<alnum 20+>',
    ],
  },
  {
    name: 'Scaleway',
    source: 'https://www.scaleway.com/en/docs/iam/concepts/#api-key',
    forms: ['SCW<upper 17>'],
  },
  {
    name: 'Cloudflare',
    source: 'https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/',
    forms: ['cf(k|ut|at)_<base64url 40+>', 'v1.0-<base64url 40+>', '0x4AAAAAAA<base64url 14+>'],
  },
  {
    name: 'Akamai',
    source: 'https://techdocs.akamai.com/developer/docs/edgegrid',
    forms: ['akab-<lower 16>-<lower 16>'],
  },
  {
    name: 'Heroku',
    source: 'https://devcenter.heroku.com/articles/authentication',
    forms: ['HRKU-<base64url 36+>'],
  },
  {
    name: 'Fly.io',
    source: 'https://fly.io/docs/security/tokens/',
    forms: ['fo1_<base64url 40+>', '(FlyV1 |)(fm1a|fm1r|fm2)_<mixed64 40+>'],
  },
  {
    name: 'Vercel',
    source: 'https://vercel.com/docs/rest-api',
    forms: ['vc(p|i|a|r|k)_<alnum 20+>'],
  },
  {
    name: 'Netlify',
    source: 'https://docs.netlify.com/api/get-started/#authentication',
    forms: ['nf(p|c|o|u|b)_<alnum 36+>'],
  },
  { name: 'Render', source: 'https://render.com/docs/api', forms: ['rnd_<alnum 24+>'] },
  { name: 'Deno Deploy', source: 'https://docs.deno.com/deploy/', forms: ['dd(p|w|o)_<alnum 36>'] },
  { name: 'Scalingo', source: 'https://developers.scalingo.com/tokens', forms: ['tk-us-<base64url 48>'] },
  {
    name: 'Tailscale',
    source: 'https://tailscale.com/kb/1277/key-prefixes',
    forms: ['tskey-<lower 2-20>-<base64url 20+>'],
  },
  {
    name: 'NetBird, Defined Networking and ngrok',
    source: 'https://github.com/trufflesecurity/trufflehog/tree/main/pkg/detectors',
    forms: ['nbp_<alnum 36>', 'dnkey-<urlpadded 26>-<urlpadded 40+>'],
    weak: ['<alnum 27>_<alnum 20-22>'],
  },
  {
    name: 'HashiCorp',
    source: 'https://developer.hashicorp.com/vault/docs/concepts/tokens',
    forms: ['hv(s|b|r).<base64url 24+>', '<alnum 14>.atlasv1.<urlpadded 60+>', 'at_<alnum 10>_<alnum 60+>'],
    weak: ['s.<alnum 24>'],
  },
  {
    name: 'Pulumi',
    source: 'https://www.pulumi.com/docs/administration/access-identity/access-tokens/',
    forms: ['pul-<hex 40>'],
  },
  {
    name: 'Doppler',
    source: 'https://docs.doppler.com/reference/auth-token-formats',
    forms: ['dp.(pt|ct|sa|scim|audit).<alnum 40+>', 'dp.st.<dotted 40+>'],
  },
  {
    name: 'Infisical and Bitwarden',
    source: 'https://infisical.com/docs/documentation/platform/token',
    forms: ['st.<hex 24>.<hex 32>.<hex 32>', '0.<uuid>.<alnum 30>:<base64 22>=='],
  },
  {
    name: '1Password',
    source: 'https://developer.1password.com/docs/service-accounts/security/',
    forms: [
      'ops_eyJ<mixed64 100+>',
      'A3-<upper 6>-(<upper 11>|<upper 6>-<upper 5>)-<upper 5>-<upper 5>-<upper 5>',
    ],
  },
  {
    name: 'Docker',
    source: 'https://docs.docker.com/security/access-tokens/',
    forms: ['dckr_(p|o)at_<base64url 20+>', 'SWMTKN-1-<lower 49-50>-<lower 25>'],
  },
  {
    name: 'Kubernetes distributions',
    source: 'https://docs.redhat.com/en/documentation/openshift_container_platform/',
    forms: ['sha256~<base64url 43+>', '(token|kubeconfig)-<lower 5>:<lower 54>'],
  },
  {
    name: 'Aiven and Elastic Cloud',
    source:
      'https://docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns',
    forms: ['AVNS_<base64url 19>', 'essu_<padded 40+>'],
  },
];
