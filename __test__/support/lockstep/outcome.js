'use strict';

// What two servers have to agree on: all that a client is told, but for identities, times, and terms.

/** Of the reply. `x-raft-index` counts more than writes, so that only its presence counts; so does `x-raft-term`. */
const SAME = ['allow', 'content-type', 'x-content-type-options', 'x-etcd-index'];
const PRESENT = ['x-etcd-cluster-id', 'x-raft-index', 'x-raft-term'];

/** Headers as both must have them. */
function comparableHeaders(headers) {
  if (headers === undefined) return undefined;
  const same = SAME.map((name) => [name, headers[name]]);
  return Object.fromEntries([...same, ...PRESENT.map((name) => [name, name in headers])]);
}

/** What is at a time, is told apart: `times` gets seconds that may differ a little. */
function withoutTimes(node, times) {
  const { expiration, ttl, nodes, ...rest } = node;
  if (expiration !== undefined) times.push(Date.parse(expiration) / 1000);
  if (ttl !== undefined) times.push(ttl);
  const marks = { ...(expiration !== undefined && { expiration: 'E' }), ...(ttl !== undefined && { ttl: 'T' }) };
  return { ...rest, ...marks, ...(nodes && { nodes: nodes.map((child) => withoutTimes(child, times)) }) };
}

/** etcd lists in any order unless it is told to sort. */
function sorted(node) {
  if (!node?.nodes) return node;
  const nodes = node.nodes.map(sorted).sort((one, other) => (one.key < other.key ? -1 : 1));
  return { ...node, nodes };
}

function comparableBody(body, isSorted, times) {
  if (typeof body !== 'object' || body === null) return body;
  const shown = { ...body };
  for (const name of ['node', 'prevNode']) {
    if (body[name]) shown[name] = withoutTimes(isSorted ? body[name] : sorted(body[name]), times);
  }
  return shown;
}

/**
 * An outcome as it can be compared: { text, times }. The text has the order of the fields as well.
 */
function comparable({ err, body, headers }, isSorted) {
  const times = [];
  const error = err && {
    name: err.name,
    message: err.message,
    ...err,
    errors: err.errors?.map(({ httpstatus }) => httpstatus),
  };
  const shown = { err: error, body: comparableBody(body, isSorted, times), headers: comparableHeaders(headers) };
  return { text: JSON.stringify(shown), times };
}

/** How two outcomes differ; undefined if they do not. Times may be so many seconds apart. */
function difference(etcd, memory, { isSorted, seconds }) {
  const [one, other] = [etcd, memory].map((outcome) => comparable(outcome, isSorted));
  const isSame = one.text === other.text && one.times.every((time, i) => Math.abs(time - other.times[i]) <= seconds);
  return isSame ? undefined : `etcd:   ${one.text} ${one.times}\nmemory: ${other.text} ${other.times}`;
}

module.exports = { difference };
