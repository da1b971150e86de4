'use strict';

const { getSystemErrorMap } = require('node:util');

/** libuv's numbers of what the system says, by name. */
const ERRNO = new Map(Array.from(getSystemErrorMap(), ([number, [name]]) => [name, number]));
/** What the resolver says has a name of Node's own. */
ERRNO.set('ENOTFOUND', ERRNO.get('EAI_NONAME'));

/** An Error with further own properties, as Node's and node-etcd's errors have them. */
function withFields(error, fields) {
  for (const name of Object.keys(fields)) {
    if (fields[name] !== undefined) error[name] = fields[name];
  }
  return error;
}

/** An argument of the wrong type; `name` is what the caller knows it as. */
function invalidType(name, expected, value) {
  const received = value === null ? 'null' : Array.isArray(value) ? 'an array' : `type ${typeof value}`;
  const message = `The "${name}" argument must be ${expected}. Received ${received}`;
  return withFields(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
}

/** An argument of the right type that cannot be used. */
function invalidValue(message) {
  return withFields(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' });
}

/** What an aborted request rejects with; `cause` is the signal's reason. */
class AbortError extends Error {
  constructor(cause) {
    super('The operation was aborted', cause === undefined ? undefined : { cause });
    this.name = 'AbortError';
    this.code = 'ABORT_ERR';
  }
}

/** A message as text; what a server sends may have no text, or not let itself be turned into one. */
function textOf(message) {
  try {
    return String(message || 'Etcd error');
  } catch {
    return 'Etcd error';
  }
}

/** etcd said no: the body's errorCode and message (semantics.md 3.2). */
function etcdError(body) {
  return withFields(new Error(textOf(body.message)), { errorCode: body.errorCode, error: body });
}

/** Whether a reply is what etcd says of a path that it does not have: here, of its v2 API. */
function isWithoutV2(status, body) {
  return status === 404 && typeof body === 'string' && body.includes('404 page not found');
}

/** A reply to a keys operation that no etcd v2 API gives; `version` is the server's, if it has told. */
function notEtcdError(status, body, version) {
  const hint = isWithoutV2(status, body) ? `; ${withoutV2(version)}` : '';
  const message = `The reply (status ${status}) is not one of etcd's v2 API${hint}`;
  return withFields(new Error(message), { code: 'ERR_NOT_ETCD', httpstatus: status, httpbody: body });
}

function withoutV2(version) {
  const [major, minor] = version?.split('.').map(Number) ?? [];
  const isGone = major > 3 || (major === 3 && minor >= 6);
  const who = version === undefined ? 'etcd answers so when its v2 API is off' : `the server is etcd ${version}`;
  const option = "set the option api to 'v3' (or NODE_ETCD_API=v3) to keep the same API on etcd v3";
  if (isGone) return `${who}, which has no v2 API: ${option}`;
  return `${who}${version === undefined ? '' : ' with its v2 API off'}: start it with --enable-v2, or ${option}`;
}

/** No endpoint is left. */
function exhaustedError(token) {
  return withFields(new Error('All servers returned error'), { errors: token.errors, retries: token.retries });
}

/** A write may or may not have taken place, and `resendWrites: false` forbids to try again. */
function unknownOutcomeError(token) {
  const message = 'The outcome of the write is unknown: it failed after it was sent, and is not sent again';
  const fields = { code: 'ERR_UNKNOWN_OUTCOME', errors: token.errors, retries: token.retries };
  return withFields(new Error(message), fields);
}

/** The client was closed before. */
function closedError() {
  return withFields(new Error('The client is closed'), { code: 'ERR_CLIENT_CLOSED' });
}

/** The request could not be made. */
function unsendableError(code, message) {
  return withFields(new Error(message), { code });
}

/** A change that is larger than the client takes. */
function tooLargeError(code, message) {
  return withFields(new Error(message), { code });
}

/** A network error in Node's shape, from the plain data of a native failure. */
function networkError({ message, code, syscall, address, port, hostname, connect }) {
  const errno = syscall === undefined ? undefined : ERRNO.get(code);
  return withFields(new Error(message), { errno, code, syscall, address, port, hostname, connect });
}

module.exports = {
  AbortError,
  closedError,
  etcdError,
  exhaustedError,
  invalidType,
  invalidValue,
  isWithoutV2,
  networkError,
  notEtcdError,
  tooLargeError,
  unknownOutcomeError,
  unsendableError,
};
