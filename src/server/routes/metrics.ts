import type { RouteGroup } from '../app.ts';
import type { Metrics } from '../metrics/index.ts';

/** For Prometheus. */
export function metricsRoutes(metrics: Metrics): RouteGroup {
  return {
    register(app, { host }) {
      app.get('/metrics', async (c) => c.text(await metrics.text(host), 200, { 'content-type': metrics.contentType }));
    },
    docs: [{ method: 'get', path: '/metrics', summary: 'Counters, gauges and histograms for Prometheus' }],
  };
}
