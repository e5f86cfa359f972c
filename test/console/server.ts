import type { LoadedModel } from '../../src/chat/index.ts';
import { type RunningServer, type ServeOptions, startServer } from '../../src/server/index.ts';
import { TestHost } from '../support/server.ts';

/**
 * A real server on a port of its own, with the console as it was built last (`npm run build`). `model`: a model that is lent in
 * place of the embedded one, a scripted one for instance.
 */
export async function consoleServer(
  options: Omit<ServeOptions, 'model' | 'host'> & { readonly model?: LoadedModel } = {},
): Promise<RunningServer> {
  const { model, ...others } = options;
  const host = model ? { host: new TestHost({ [model.name]: model }) } : { load: { context: 4096 } };
  return await startServer({ port: 0, ...host, ...others });
}
