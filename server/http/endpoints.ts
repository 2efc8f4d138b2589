/** What the HTTP port answers, all by GET. `GET /` and the reference (server/REFERENCE.md) show this table. */
export const ENDPOINTS = {
  '/livez': '200 while every process of the server answers. A restart is due when it is 503 or does not come.',
  '/readyz': '200 when frames are welcome, 503 when not; the body names the versions that are not READY, and why.',
  '/metrics': 'All metrics in the text format of Prometheus.',
  '/': 'This list.',
} as const;
