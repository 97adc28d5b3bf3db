// The one place that sends requests. Unwraps the envelope; every failure is an ApiError.

/** @type {{ baseUrl: string, language: () => string }} */
const settings = { baseUrl: "", language: () => "" };

/**
 * Where the server is (default: where the page came from) and which language its sentences should have.
 * @param {{ baseUrl?: string, language?: () => string }} wanted
 */
export function configure(wanted) {
  Object.assign(settings, wanted);
}

/** A request that failed: the server said so (`status` > 0), or it was not reached (`status` 0). */
export class ApiError extends Error {
  /**
   * @param {string} message one sentence for a person
   * @param {{ status?: number, code?: string, requestId?: string | null, retryAfter?: number | null,
   *   detail?: { loc: (string | number)[], msg: string, type: string }[] | null }} [facts]
   */
  constructor(message, { status = 0, code = "network", requestId = null, retryAfter = null, detail = null } = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
    this.detail = detail;
  }

  /** Whether the same request may succeed a moment later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Whether it may have been done all the same: no answer, one that says so, or that of a proxy that had none. */
  get unclear() {
    const isProxys = this.status >= 500 && this.status !== 503 && this.code === `http_${this.status}`;
    return this.status === 0 || this.code === "storage_in_doubt" || isProxys;
  }
}

/**
 * @typedef {{ query?: object, body?: unknown, form?: FormData, headers?: Record<string, string>,
 *   signal?: AbortSignal, keepalive?: boolean }} RequestOptions `keepalive`: goes out although the page closes (≤ 64 KiB)
 */

/**
 * The `data` of a JSON answer.
 * @param {string} method @param {string} path @param {RequestOptions} [options]
 * @returns {Promise<any>}
 */
export async function request(method, path, options = {}) {
  const response = await send(method, path, options);
  return (await response.json()).data;
}

/**
 * A successful response, its body unread.
 * @param {string} method @param {string} path @param {RequestOptions} [options]
 * @returns {Promise<Response>}
 * @throws {ApiError}
 */
export async function send(method, path, { query, body, form, headers, signal, keepalive } = {}) {
  let response;
  try {
    response = await fetch(addressOf(path, query), {
      method,
      headers: { ...languageHeader(), ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
      signal,
      keepalive,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(error instanceof Error ? error.message : String(error));
  }
  if (response.ok) return response;
  throw failure(response.status, await response.text(), (name) => response.headers.get(name));
}

/**
 * A multipart POST that tells how far it is, where the platform can (browsers: XMLHttpRequest).
 * @param {string} path @param {FormData} form
 * @param {{ query?: object, onProgress?: (event: { loaded: number, total: number }) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<any>}
 */
export function upload(path, form, { query, onProgress, signal } = {}) {
  if (!onProgress || typeof XMLHttpRequest === "undefined") return request("POST", path, { query, form, signal });
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", addressOf(path, query));
    for (const [name, value] of Object.entries(languageHeader())) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = onProgress;
    xhr.onload = () => {
      if (xhr.status < 300) resolve(JSON.parse(xhr.responseText).data);
      else reject(failure(xhr.status, xhr.responseText, (name) => xhr.getResponseHeader(name)));
    };
    xhr.onerror = () => reject(new ApiError("network error"));
    xhr.onabort = () => reject(signal?.reason ?? new DOMException("aborted", "AbortError"));
    signal?.addEventListener("abort", () => xhr.abort(), { once: true });
    xhr.send(form);
  });
}

const FOLD_BYTES = 4 * 1024 * 1024;

/**
 * A file that a response carries, with the name that the server gave it.
 * @param {Response} response
 * @param {(bytes: number) => void} [onProgress] how much has come; how much will come, nobody knows
 * @returns {Promise<{ blob: Blob, name: string }>}
 */
export async function download(response, onProgress) {
  const name = fileName(response.headers.get("content-disposition") ?? "");
  if (!onProgress || !response.body) return { blob: await response.blob(), name };
  /** @type {Blob[]} */
  const kept = [];
  let pieces = [];
  let bytes = 0;
  let folded = 0;
  const reader = response.body.getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    pieces.push(/** @type {any} */ (value));
    onProgress((bytes += value?.length ?? 0));
    // What a blob has is the browser's to keep, on the disk where it is much; an array is in this page's memory.
    if (bytes - folded < FOLD_BYTES) continue;
    kept.push(new Blob(pieces));
    pieces = [];
    folded = bytes;
  }
  return { blob: new Blob([...kept, ...pieces], { type: response.headers.get("content-type") ?? "" }), name };
}

/** The file name in a Content-Disposition header (RFC 6266: `filename*` before `filename`). @param {string} header */
export function fileName(header) {
  const extended = /filename\*=UTF-8''([^;]+)/i.exec(header);
  if (extended) return decodeURIComponent(extended[1]);
  return /filename="?([^";]+)"?/i.exec(header)?.[1] ?? "download";
}

/** The whole address of a path. @param {string} path @param {object} [query] */
export function addressOf(path, query) {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return settings.baseUrl + path + (search && `?${search}`);
}

function languageHeader() {
  const language = settings.language();
  return /** @type {Record<string, string>} */ (language ? { "Accept-Language": language } : {});
}

/** @param {number} status @param {string} text @param {(name: string) => string | null} header */
function failure(status, text, header) {
  /** @type {any} */
  let said = {};
  try {
    said = JSON.parse(text);
  } catch {
    // Not ours: a proxy's page. Its status is all there is to know.
  }
  const seconds = Number(header("retry-after"));
  return new ApiError(said.message ?? `HTTP ${status}`, {
    status,
    code: said.error ?? `http_${status}`,
    requestId: said.request_id ?? header("x-request-id"),
    retryAfter: seconds > 0 ? seconds : null,
    detail: said.detail ?? null,
  });
}
