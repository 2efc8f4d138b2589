/** What the HTTP port answers, by GET where nothing else is said. `GET /` and the reference (server/REFERENCE.md) show this table. */
export const ENDPOINTS = {
  '/livez': '200 while every process of the server answers. A restart is due when it is 503 or does not come.',
  '/readyz': '200 when frames are welcome, 503 when not; the body names the versions that are not READY, and why.',
  '/metrics': 'All metrics in the text format of Prometheus.',
  '/v2':
    'The open inference protocol in JSON (KServe v2 with the extensions of Triton), as paths under /v2: health/live, ' +
    'health/ready; models/NAME[/versions/VERSION] and its ready, config, stats, infer; models/stats; repository/index, ' +
    'repository/models/NAME/load and unload; logging; trace/setting. Each is of the group of its gRPC twin; tensors as JSON ' +
    'or as bytes behind it (Inference-Header-Content-Length); gzip and deflate.',
  '/': 'This list; for browsers, which ask for text/html, the live page.',
} as const;

/** Those that are there with --http-page true. */
export const PAGE_ENDPOINTS = {
  '/v1/status':
    'What the live page draws: version, uptime_seconds, readiness, and for each version of each model its state, reason, ' +
    'devices, instances, queue, counts of requests and failures, and how many succeeded within each of duration_bounds ' +
    '(seconds); the last errors with the time in milliseconds since 1970; readings of GPUs.',
  'POST /v1/models/NAME/try':
    'Asks a model about the JPEG, PNG or WebP file in the body, by the call that its task answers. 200 with the response of ' +
    'that call in the JSON of protobuf; else error, code and retryable. Options of the call as query parameters: ' +
    'score_threshold, nms_threshold, class_ids, max_detections; top_k, score_threshold; probability_map; and of the frame: ' +
    'priority, timeout_ms.',
  'POST /v1/models/NAME/versions/VERSION/try': 'The same of one version.',
} as const;
