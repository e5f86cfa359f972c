export { openApiDocument } from './document.ts';
export type { RouteDoc } from './route-doc.ts';
