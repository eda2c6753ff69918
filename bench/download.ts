import { type IncomingMessage, request } from 'node:http';
import { Connection, graphqlRequest } from './http-client.ts';
import { KEY } from './lab.ts';

const LINK = '{ auditExport(format: NDJSON) { url } }';

/** Downloads the whole log as NDJSON and hands its bytes to `onBytes`. */
export async function download(serviceUrl: string, onBytes: (bytes: Buffer) => void): Promise<void> {
  const { auditExport } = await askOne<{ auditExport: { url: string } }>(serviceUrl, LINK);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(auditExport.url, resolve).once('error', reject).end();
  });
  if (response.statusCode !== 200) throw new Error(`the export was refused: ${response.statusCode}`);
  await new Promise<void>((resolve, reject) => {
    response.on('data', onBytes).once('end', resolve).once('error', reject);
  });
}

/** Asks the service one thing. */
export async function askOne<Data>(serviceUrl: string, query: string): Promise<Data> {
  const connection = await Connection.open(serviceUrl);
  try {
    const body = await connection.send(graphqlRequest({ url: serviceUrl, key: KEY }, query));
    return (JSON.parse(body.toString()) as { data: Data }).data;
  } finally {
    connection.close();
  }
}
