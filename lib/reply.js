'use strict';

const errors = require('./errors');
const { parseHeaders } = require('./headers');

// Taken now: tools for tests replace it later.
const SystemDate = Date;

/** As `request` did with `json: true`: nothing for an empty body, the text itself when it is not JSON. */
function parseBody(text) {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether etcd says no, with whatever status. */
function isEtcdError(body) {
  return body?.errorCode !== undefined && body?.errorCode !== null;
}

/** Whether etcd's keys API can have answered so. An empty success counts, as some proxies and old servers do that. */
function isEtcdReply(status, body) {
  const isSuccess = status >= 200 && status < 300;
  return isSuccess && (body === undefined || (typeof body === 'object' && body !== null && !Array.isArray(body)));
}

/** An entry of `err.errors` (semantics.md 2.4). */
function errorEntry(hosts, failure) {
  const { member, timestamp, status, headers, body: text } = failure;
  const body = text === undefined ? undefined : parseBody(text);
  return {
    server: hosts[member],
    httperror: status === undefined ? errors.networkError(failure) : null,
    httpstatus: status,
    httpbody: body,
    response: status === undefined ? undefined : { statusCode: status, headers: parseHeaders(headers), body },
    timestamp: new SystemDate(timestamp),
  };
}

module.exports = { errorEntry, isEtcdError, isEtcdReply, parseBody };
