import { Counter, Histogram, type Registry } from 'prom-client';
import type { AccessRecord } from '../http/access.ts';
import { HTTP } from './buckets.ts';

/** Requests by what they asked and how they were answered. Routes are patterns, so that there are only so many. */
export class HttpMetrics {
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #seconds: Histogram<'route'>;
  readonly #left: Counter<'route'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'ossia:http_requests_total',
      help: 'Requests that were answered.',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'ossia:http_request_duration_seconds',
      help: 'Requests, from their first byte to the last of the reply.',
      labelNames: ['route'],
      buckets: HTTP,
      registers,
    });
    this.#left = new Counter({
      name: 'ossia:http_requests_abandoned_total',
      help: 'Requests whose client left before the end of the reply.',
      labelNames: ['route'],
      registers,
    });
  }

  record({ method, route, status, durationMs, left }: AccessRecord): void {
    const where = route === '' ? 'unknown' : route;
    this.#requests.inc({ method: KNOWN_METHODS.has(method) ? method : 'other', route: where, status });
    this.#seconds.observe({ route: where }, durationMs / 1000);
    if (left) this.#left.inc({ route: where });
  }
}

const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
