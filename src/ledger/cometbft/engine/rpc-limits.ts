/** What config.toml allows and the client keeps to. */

/** Requests in one JSON-RPC batch. */
export const MAX_BATCH = 2000;

/** Bytes of one request. */
export const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
