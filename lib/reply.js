'use strict';

const errors = require('./errors');
const { parseHeaders } = require('./headers');

// Taken now: tools for tests replace it later.
const SystemDate = Date;

/** Parameters that ask for an answer without a node, as etcd spells true (semantics.md 3.1). */
const WITHOUT_NODE = /(^|&)noValueOnSuccess=(true|1|t|T|TRUE|True)(&|$)/;

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

/**
 * Whether etcd's keys API can have answered this request so: with what it did and the node, or with nothing to a wait
 * that it ended. Anything else acknowledges no write.
 */
function isEtcdReply({ parameters, waits }, status, body) {
  if (status < 200 || status >= 300) return false;
  if (body === undefined) return waits;
  if (typeof body?.action !== 'string') return false;
  return body.node === undefined ? WITHOUT_NODE.test(parameters) : isObject(body.node);
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
