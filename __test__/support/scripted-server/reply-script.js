'use strict';

// The steps of a scripted server: which of them answers a request, and what bytes an answer is.

const REASONS = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  307: 'Temporary Redirect',
  404: 'Not Found',
  500: 'Internal Server Error',
};

/** What a step's `match` says about a request: a path, a pattern for the URL, or an object of such things. */
function matches(match, request) {
  if (match === undefined) return true;
  if (typeof match === 'string') return request.path === match;
  if (match instanceof RegExp) return match.test(request.url);
  return Object.entries(match).every(([name, wanted]) =>
    wanted instanceof RegExp ? wanted.test(request[name]) : request[name] === wanted,
  );
}

class ReplyScript {
  constructor(steps = [], fallback = undefined) {
    this.steps = steps.map((step) => ({ ...step, left: step.times ?? 1 }));
    this.fallback = fallback;
  }

  /** The first step that matches and is not used up; it is used once more. */
  take(request) {
    const step = this.steps.find((candidate) => candidate.left > 0 && matches(candidate.match, request));
    if (step) step.left -= 1;
    return step ?? this.fallback ?? unscripted(request);
  }
}

const unscripted = ({ method, url }) => ({
  reply: { status: 418, reason: 'Unscripted', body: `The scripted server has no step for ${method} ${url}` },
});

/** A reply that looks like etcd's and tells what was sent. */
function echoOf(request) {
  const { bodyBytes, ...visible } = request;
  const form = new URLSearchParams(request.body);
  const key = request.path.replace(/^\/v2\/keys/, '');
  const node = { key, value: form.get('value') ?? '', modifiedIndex: request.number, createdIndex: request.number };
  return {
    headers: { 'X-Etcd-Index': String(request.number) },
    json: { action: request.method.toLowerCase(), node, request: visible },
  };
}

const pairsOf = (headers = []) => (Array.isArray(headers) ? headers : Object.entries(headers));

const chunkOf = (chunk) =>
  typeof chunk === 'string' || Buffer.isBuffer(chunk)
    ? { data: Buffer.from(chunk), delayMs: 0 }
    : { data: Buffer.from(chunk.data ?? ''), delayMs: chunk.delayMs ?? 0 };

const framed = (data) => Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);

/** A reply's head, and its body as pieces to be sent after a delay each. */
function render(reply, request) {
  const { status = 200, reason = REASONS[status] ?? 'Scripted', json, chunks } = reply;
  const body = json === undefined ? (reply.body ?? '') : JSON.stringify(json);
  const chunked = reply.chunked ?? Boolean(chunks);
  const pieces = (chunks ?? (body.length > 0 ? [body] : [])).map(chunkOf);
  const bodiless = request.method === 'HEAD' || status === 204 || status === 304;
  const headers = pairsOf(reply.headers);
  const has = (name) => headers.some(([given]) => given.toLowerCase() === name);
  const added = [];
  if (json !== undefined && !has('content-type')) added.push(['Content-Type', 'application/json']);
  if (chunked) added.push(['Transfer-Encoding', 'chunked']);
  else if (status !== 204 && reply.contentLength !== false && !has('content-length')) {
    added.push(['Content-Length', pieces.reduce((sum, { data }) => sum + data.length, 0)]);
  }
  const lines = [...headers, ...added].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n`, reply.headEncoding ?? 'utf8');
  if (bodiless) return { head, pieces: [] };
  if (!chunked) return { head, pieces };
  const wrapped = pieces.map(({ data, delayMs }) => ({ data: framed(data), delayMs }));
  const end = reply.hold ? [] : [{ data: Buffer.from('0\r\n\r\n'), delayMs: 0 }];
  return { head, pieces: [...wrapped, ...end] };
}

module.exports = { ReplyScript, chunkOf, echoOf, render };
