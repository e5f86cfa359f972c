import { isBuiltin } from 'node:module';
import type { RunningServer, ServeOptions } from '../../index.ts';
import { isLoopback } from '../../server/index.ts';
import { announceModel } from '../announce.ts';
import { bytes, grouped } from '../format.ts';
import { printable, type Terminal } from '../terminal.ts';

/** Says where the server is, what it has and may take, who may use it, and how to try it. */
export async function announceServer(terminal: Terminal, server: RunningServer, options: ServeOptions): Promise<void> {
  const { out, err } = terminal;
  const { apiKeys = [], hostname = '127.0.0.1', dataDirectory } = options;
  const lease = await server.host.lend(undefined);
  try {
    const { info } = lease.model;
    const memory = `${bytes(info.sizeBytes)} of weights, at most ${bytes(info.kvBytesCapacity)} of KV cache`;
    out.line(`Ossia serves ${out.bold(printable(lease.name))} at ${out.bold(server.url)}`);
    out.line(`  context  ${grouped(info.contextLength)} tokens`);
    out.line(`  backend  ${info.backendDescription}`);
    out.line(`  memory   ${memory}`);
    const kept = dataDirectory !== undefined && isBuiltin('node:sqlite'); // without SQLite the store falls back to memory
    out.line(`  stored   ${kept ? printable(dataDirectory) : 'in memory, until the server ends'}`);
    const tools = (options.tools ?? []).map(({ name }) => name).join(', ');
    out.line(`  tools    ${tools === '' ? 'none' : printable(tools)}`);
    out.line(`  keys     ${apiKeys.length === 0 ? 'none asked for' : `one of ${apiKeys.length} is needed`}`);
    out.line(`  try      ${tryLine(server.url, lease.name, apiKeys.length > 0)}`);
    announceModel(terminal, lease.model);
  } finally {
    lease.release();
  }
  if (apiKeys.length === 0 && !isLoopback(hostname)) {
    err.line(
      `${err.red('warning')}: everybody who can reach ${hostname} may use this server: add --api-key or --api-key-file`,
    );
  }
}

function tryLine(url: string, model: string, withKey: boolean): string {
  const body = JSON.stringify({ model, input: 'What can you do?' });
  const key = withKey ? ' -H "authorization: Bearer $OSSIA_API_KEY"' : '';
  return `curl ${url}/v1/responses${key} -H 'content-type: application/json' -d '${printable(body)}'`;
}
