import { type Backend, type BackendOptions, openBackend } from '../../src/backends/index.ts';
import { OssiaError } from '../../src/base/index.ts';

/**
 * Why the `cpu` backend cannot be tested here, or false. With OSSIA_REQUIRE_ADDON=1, as in continuous integration,
 * a missing addon is an error and not a skip.
 */
export async function cpuMissing(): Promise<string | false> {
  try {
    (await openBackend('cpu')).dispose();
    return false;
  } catch (error) {
    if (!(error instanceof OssiaError && error.code === 'backend/unavailable')) throw error;
    if (process.env.OSSIA_REQUIRE_ADDON === '1') throw error;
    return error.message;
  }
}

/** Runs `use` with a backend and disposes of it. */
export async function withBackend<T>(
  name: 'cpu' | 'reference',
  use: (backend: Backend) => Promise<T>,
  options: BackendOptions = {},
): Promise<T> {
  const backend = await openBackend(name, options);
  try {
    return await use(backend);
  } finally {
    backend.dispose();
  }
}
