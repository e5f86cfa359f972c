import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ModelHost } from '../../src/server/models/index.ts';
import type { HubServer } from './hub-server.ts';
import { type TestServer, testServer } from './server.ts';
import { startHub } from './store-fixtures.ts';

const nanoFiles = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'model.safetensors',
];

/** A server that keeps, downloads and makes models, and a hub that has the embedded model under the name of openai/gpt-oss-20b. */
export async function ollamaServer(
  t: TestContext,
): Promise<{ readonly server: TestServer; readonly host: ModelHost; readonly hub: HubServer; readonly home: string }> {
  const models = fileURLToPath(new URL('../../models/ossia-nano/', import.meta.url));
  const files = nanoFiles.map((path) => ({ path, bytes: readFileSync(join(models, path)), lfs: path.endsWith('s') }));
  const { hub, home, options } = await startHub(t, files);
  const load = { stores: options, context: 2048, threads: 2 };
  const host = new ModelHost({ dataDirectory: join(home, 'data'), load });
  const server = await testServer({ context: { host }, models: {} });
  t.after(async () => {
    await server.close();
    await host.close();
  });
  return { server, host, hub, home };
}
