import type { Provider } from '../token-forms.ts';

const GITLEAKS = 'https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml';
const TRUFFLEHOG = 'https://github.com/trufflesecurity/trufflehog/tree/main/pkg/detectors';

/** Hosts of code, registries of packages, builds and the scanners of code. */
export const CODE: readonly Provider[] = [
  { name: 'graphql-audit-log', source: 'src/auth/api-keys.ts', forms: ['aul_<alnum 40+>'] },
  {
    name: 'GitHub',
    source:
      'https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats',
    forms: ['gh(p|o|u|r)_<base64url 36+>', 'ghs_<dotted 36+>', 'github_pat_<base64url 36+>'],
  },
  {
    name: 'GitLab',
    source: 'https://docs.gitlab.com/security/tokens/#token-prefixes',
    forms: [
      'gl(pat|dt|rt|rtr|ptt|ft|soat|imt|agent|oas|cbt|ffct|wt)-<dotted 20+>',
      'GR1348941<base64url 20+>',
      'gitlab_session=<hex 32>',
    ],
  },
  {
    name: 'Atlassian',
    source: 'https://support.atlassian.com/bitbucket-cloud/docs/using-api-tokens/',
    forms: ['AT(ATT3|CTT3|BB)<urlpadded 24+>', 'ATTA<alnum 60+>', 'BBDC-<mixed64 40+>'],
  },
  {
    name: 'Gitea',
    source: 'https://docs.gitea.com/development/oauth2-provider',
    forms: ['gt(a|r|o)_<base64url 40+>'],
  },
  { name: 'npm', source: 'https://docs.npmjs.com/about-access-tokens', forms: ['npm_<alnum 36+>'] },
  { name: 'PyPI', source: 'https://pypi.org/help/#apitoken', forms: ['pypi-A<base64url 50+>'] },
  { name: 'RubyGems', source: 'https://guides.rubygems.org/api-key-scopes/', forms: ['rubygems_<hex 48+>'] },
  { name: 'NuGet', source: GITLEAKS, forms: ['oy2<lower 43>'] },
  {
    name: 'crates.io',
    source: 'https://doc.rust-lang.org/cargo/reference/publishing.html',
    forms: ['cio<alnum 32>'],
  },
  {
    name: 'Clojars',
    source: 'https://github.com/clojars/clojars-web/wiki/Deploy-Tokens',
    forms: ['CLOJARS_<lower 60>'],
  },
  {
    name: 'Packagist',
    source: 'https://packagist.com/docs/composer-authentication',
    forms: ['packagist_(ort|out|uut|ack|acs|act)_<hex 60+>'],
  },
  { name: 'JFrog', source: GITLEAKS, forms: ['AKCp<alnum 55+>', 'cmVmd<alnum 55+>'] },
  {
    name: 'SonarQube',
    source: 'https://docs.sonarsource.com/sonarqube-server/user-guide/managing-tokens',
    forms: ['sq(u|p|a|co)_<alnum 40+>'],
  },
  {
    name: 'CircleCI',
    source: 'https://circleci.com/docs/managing-api-tokens/',
    forms: ['CCI(PAT|PRJ)_<word 30+>'],
  },
  {
    name: 'Buildkite',
    source: 'https://buildkite.com/docs/platform/security/tokens',
    forms: ['bk(ua|aa|aj|ar|ct|ps|pt|rt)_<alnum 30+>'],
  },
  {
    name: 'Jenkins',
    source: 'https://www.jenkins.io/doc/book/system-administration/authenticating-scripted-clients/',
    forms: ['11<hex 32>'],
  },
  {
    name: 'Octopus Deploy',
    source: 'https://octopus.com/docs/octopus-rest-api/how-to-create-an-api-key',
    forms: [],
    weak: ['API-<upper 25-34>'],
  },
  {
    name: 'Harness',
    source: 'https://developer.harness.io/docs/platform/automation/api/add-and-manage-api-keys/',
    forms: ['(pat|sat).<base64url 22>.<alnum 24>.<alnum 20>'],
  },
  {
    name: 'Sourcegraph',
    source: 'https://sourcegraph.com/docs/cli/how-tos/creating_an_access_token',
    forms: ['sgp_(<xdigit 16>_|local_|)<xdigit 40>', 'slk_<hex 64>'],
  },
  {
    name: 'Security scanners',
    source: TRUFFLEHOG,
    forms: [
      'odt_<alnum 32+>',
      'hawk.<base64url 20>.<base64url 20>',
      'endr+<base64url 16>',
      'NF-<alnum 32>',
      'thog-(key|secret)-<hex 16-32>',
      'sktsec_<base64url 36+>',
    ],
  },
  { name: 'Infracost', source: GITLEAKS, forms: ['ico-<alnum 32>'] },
  {
    name: 'Authress',
    source: GITLEAKS,
    forms: ['(sc|ext|scauth|authress)_<lower 5-30>.<lower 4-6>.acc(-|_)<dashed 10-32>.<mixed64 30+>'],
  },
  { name: 'Intra42', source: GITLEAKS, forms: ['(s|u)-s4t2(ud|af)-<hex 64>'] },
  { name: 'SettleMint', source: GITLEAKS, forms: ['sm_(aat|pat|sat)_<alnum 16>'] },
  { name: 'MaxMind', source: 'https://dev.maxmind.com/license-key/', forms: ['<alnum 6>_<alnum 29>_mmk'] },
];
