export { version } from '../base/index.ts';
