import { destination, pino } from 'pino';
import { readConfig } from './config.ts';
import { startEmbedded } from './db/embedded/server.ts';
import { type AuditService, createAuditService } from './service.ts';

async function main(): Promise<void> {
  const config = readConfig();
  const log = pino({ level: config.LOG_LEVEL }, destination({ sync: false }));
  const embedded =
    config.DATABASE_URL === undefined
      ? await startEmbedded({ dataDir: config.DATA_DIR, log: (line) => log.debug({ postgres: line }) })
      : undefined;
  let service: AuditService | undefined;
  let isStopping = false;
  const stop = async (code: number) => {
    if (isStopping) return;
    isStopping = true;
    await service?.stop();
    await embedded?.stop();
    log.flush(() => process.exit(code));
  };
  try {
    service = await createAuditService({
      config,
      databaseUrl: config.DATABASE_URL ?? embedded?.connectionString ?? '',
      log,
    });
  } catch (error) {
    process.stderr.write(`audit log: ${(error as Error).message}\n`);
    await stop(1);
    return;
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(0));
  void embedded?.exited.then(() => {
    if (!isStopping) log.fatal('the embedded PostgreSQL ended by itself');
    void stop(1);
  });
  process.stdout.write(startMessage(service));
}

function startMessage({ url, adminKey }: AuditService): string {
  const key = adminKey === undefined ? '' : `Admin API key, shown this once: ${adminKey}\n`;
  return `GraphQL API and GraphiQL: ${url}/graphql\n${key}Ready. Stop with Ctrl-C.\n`;
}

main().catch((error: Error) => {
  process.stderr.write(`audit log: ${error.message}\n`);
  process.exitCode = 1;
});
