import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestSite extends AsyncDisposable {
  /** `http://127.0.0.1:1234` */
  readonly url: string;
  /** `127.0.0.1:1234` */
  readonly host: string;
}

/** A web server on a port of this machine, for tests. */
export async function testSite(listener: RequestListener): Promise<TestSite> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
