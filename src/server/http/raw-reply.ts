import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { openAiError } from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import { newRequestId } from './request-id.ts';

/** Answers a connection on which no request could be read, and closes it. */
export function replyRaw(socket: Duplex, error: OssiaError): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { status, body, headers } = openAiError(error);
  const text = JSON.stringify(body);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
    `x-request-id: ${newRequestId()}`,
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy());
}

/** What node:http could not read, in our words. */
export function describeHttpError(error: NodeJS.ErrnoException): OssiaError {
  const options = { cause: error };
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new OssiaError('server/headers-too-large', 'The headers of the request are too long', options);
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new OssiaError('server/too-large', 'The chunk extensions of the request are too long', options);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new OssiaError('server/slow-request', 'The request did not arrive in time', options);
    default:
      return new OssiaError('server/bad-http', 'The request is not HTTP/1.1 as it should be', options);
  }
}
