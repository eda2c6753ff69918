import type { Provider } from '../token-forms.ts';

const TRUFFLEHOG = 'https://github.com/trufflesecurity/trufflehog/tree/main/pkg/detectors';
const GITHUB =
  'https://docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns';

/** Models, their hosts, and what agents call. */
export const AI: readonly Provider[] = [
  {
    name: 'OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse and others with the same beginning',
    source: 'https://platform.openai.com/docs/api-reference/authentication',
    forms: ['sk-(proj|svcacct|admin|ant|or)-<base64url 20+>', 'sk-<hex 32>', 'sk-<alnum 48>'],
    weak: ['sk-<base64url 20+>'],
  },
  { name: 'Groq', source: 'https://console.groq.com/docs/quickstart', forms: ['gsk_<alnum 30+>'] },
  {
    name: 'Hugging Face',
    source: 'https://huggingface.co/docs/hub/security-tokens',
    forms: ['(hf|api_org)_<alnum 30+>'],
  },
  {
    name: 'Replicate',
    source: 'https://replicate.com/docs/topics/security/api-tokens',
    forms: ['r8_<base64url 36+>'],
  },
  { name: 'xAI', source: 'https://docs.x.ai/docs/overview', forms: ['xai-<base64url 36+>'] },
  {
    name: 'Perplexity',
    source: 'https://docs.perplexity.ai/guides/api-key-management',
    forms: ['pplx-<base64url 36+>'],
  },
  { name: 'NVIDIA', source: 'https://docs.nvidia.com/nim/', forms: ['nvapi-<base64url 36+>'] },
  {
    name: 'ElevenLabs',
    source: 'https://elevenlabs.io/docs/api-reference/authentication',
    forms: ['sk_<hex 48>'],
  },
  {
    name: 'LangSmith',
    source: 'https://docs.langchain.com/langsmith/create-account-api-key',
    forms: ['lsv2_(pt|sk)_<hex 32>_<hex 10>', 'ls__<hex 32>'],
  },
  {
    name: 'Langfuse',
    source: 'https://langfuse.com/faq/all/where-are-langfuse-api-keys',
    forms: ['sk-lf-<uuid>'],
  },
  {
    name: 'Pinecone',
    source: 'https://docs.pinecone.io/guides/projects/manage-api-keys',
    forms: ['pcsk_<alnum 5-7>_<alnum 50+>'],
  },
  {
    name: 'Weights & Biases',
    source: 'https://docs.wandb.ai/platform/app/settings-page/user-settings',
    forms: ['wandb_v1_<word 40+>'],
  },
  {
    name: 'Together',
    source: 'https://docs.together.ai/docs/api-keys-authentication',
    forms: ['tgp_v1_<base64url 40+>'],
  },
  { name: 'Fireworks', source: GITHUB, forms: [], weak: ['fw_<alnum 22-32>'] },
  { name: 'Cerebras', source: GITHUB, forms: ['csk-<lower 40+>'] },
  {
    name: 'Tavily',
    source: 'https://docs.tavily.com/documentation/api-reference/introduction',
    forms: ['tvly-(dev-|prod-|)<alnum 20+>'],
  },
  { name: 'Firecrawl', source: GITHUB, forms: ['fc-<hex 32>'] },
  { name: 'Jina', source: 'https://jina.ai/api-dashboard/', forms: ['jina_<base64url 50+>'] },
  {
    name: 'Voyage',
    source: 'https://docs.voyageai.com/docs/api-key-and-installation',
    forms: [],
    weak: ['pa-<base64url 40+>'],
  },
  { name: 'Anyscale', source: GITHUB, forms: ['esecret_<alnum 24+>'] },
  {
    name: 'LlamaIndex',
    source: 'https://developers.llamaindex.ai/python/cloud/general/api_key/',
    forms: ['llx-<alnum 40+>'],
  },
  { name: 'E2B', source: 'https://e2b.dev/docs/api-key', forms: ['e2b_<hex 40>'] },
  {
    name: 'Modal',
    source: 'https://modal.com/docs/reference/modal.config',
    forms: [],
    weak: ['a(k|s)-<alnum 22>'],
  },
  { name: 'RunPod', source: 'https://docs.runpod.io/get-started/api-keys', forms: ['rpa_<alnum 36+>'] },
  {
    name: 'Apify',
    source: 'https://docs.apify.com/platform/integrations/api',
    forms: ['apify_api_<alnum 30+>'],
  },
  { name: 'Cursor', source: GITHUB, forms: ['(key|crsr)_<hex 64>'] },
  { name: 'Salad', source: TRUFFLEHOG, forms: ['salad_cloud_<lower 1-20>_<alnum 20+>'] },
  { name: 'Voiceflow', source: TRUFFLEHOG, forms: ['VF.(DM.|WS.|)<xdigit 24>.<alnum 16>'] },
];
