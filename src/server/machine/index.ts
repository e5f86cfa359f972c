/** What this machine has, and by arithmetic what models need of it. */
export { measureBandwidth, measureBandwidthAside } from './bandwidth.ts';
export { type Machine, readMachine } from './machine.ts';
export {
  bytesPerToken,
  type DenseType,
  type Dimensions,
  fileBytesPerToken,
  fileWeightBytes,
  kvBytes,
  published,
  weightBytes,
} from './sizing.ts';
