'use strict';

// Reads HTTP/1.1 requests out of a byte stream, strictly enough for tests, keeping everything as it was sent.

const END_OF_HEAD = Buffer.from('\r\n\r\n');
const EMPTY = Buffer.alloc(0);

/** The request line and headers. Bytes above 127 stay visible, as latin1. */
function parseHead(bytes) {
  const head = bytes.toString('latin1');
  const [line, ...lines] = head.split('\r\n');
  const [method, url, httpVersion] = line.split(' ');
  const rawHeaders = lines.map((text) => {
    const colon = text.indexOf(':');
    return [text.slice(0, colon), text.slice(colon + 1).trim()];
  });
  const headers = {};
  for (const [name, value] of rawHeaders) {
    const key = name.toLowerCase();
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
  }
  const [path, query = ''] = url.split(/\?(.*)/s);
  return { method, url, path, query, httpVersion, headers, rawHeaders, head };
}

/** Takes a chunked body off the front: { body, rest }, or undefined if it is not complete yet. */
function takeChunked(bytes) {
  const parts = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    const next = end + 2 + size + 2;
    if (!(bytes.length >= next)) return undefined;
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = next;
    if (size === 0) return { body: Buffer.concat(parts), rest: bytes.subarray(at) };
  }
}

function takeBody(bytes, headers) {
  if (/chunked/i.test(headers['transfer-encoding'] ?? '')) return takeChunked(bytes);
  const length = Number(headers['content-length'] ?? 0);
  if (bytes.length < length) return undefined;
  return { body: bytes.subarray(0, length), rest: bytes.subarray(length) };
}

/** Feed it bytes; it hands each complete request to `onRequest`. */
class HttpReader {
  constructor(onRequest) {
    this.onRequest = onRequest;
    this.bytes = EMPTY;
    this.pending = undefined;
  }

  feed(chunk) {
    this.bytes = this.bytes.length > 0 ? Buffer.concat([this.bytes, chunk]) : chunk;
    while (this.takeOne());
  }

  takeOne() {
    if (!this.pending) {
      const end = this.bytes.indexOf(END_OF_HEAD);
      if (end < 0) return false;
      this.pending = parseHead(this.bytes.subarray(0, end));
      this.bytes = this.bytes.subarray(end + END_OF_HEAD.length);
    }
    const taken = takeBody(this.bytes, this.pending.headers);
    if (!taken) return false;
    const request = this.pending;
    this.pending = undefined;
    this.bytes = taken.rest;
    this.onRequest({ ...request, body: taken.body.toString('utf8'), bodyBytes: Buffer.from(taken.body) });
    return true;
  }
}

module.exports = { HttpReader };
