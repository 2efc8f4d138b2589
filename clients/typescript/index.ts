export * from './sluice-client.js';
export * from './repository-client.js';
export * from './health-client.js';
export type { CallSettings } from './call-settings.js';
