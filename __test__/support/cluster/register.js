'use strict';

// What one key of etcd is to its clients: a register with a value, or none. Values are those of cluster/history.js: words
// with a dot, so that none looks like a code.

const ABSENT = '';

const changed = (after, now) => ({ after, told: now });
const refused = (now, told) => ({ after: now, told });

/** A comparison tells, when it fails, what there is in place of what was expected. */
const compared = (now, { old }, after) => {
  if (now === ABSENT) return refused(now, '100');
  return now === old ? changed(after, now) : refused(now, `101 ${now}`);
};

/** By kind, what an operation does to what is there now: what is there after it, and what the caller is told. */
const OPERATIONS = {
  get: (now) => (now === ABSENT ? refused(now, '100') : changed(now, now)),
  set: (now, { value }) => changed(value, now),
  create: (now, { value }) => (now === ABSENT ? changed(value, now) : refused(now, '105')),
  del: (now) => (now === ABSENT ? refused(now, '100') : changed(ABSENT, now)),
  compareAndSwap: (now, operation) => compared(now, operation, operation.value),
  compareAndDelete: (now, operation) => compared(now, operation, ABSENT),
};

/** How a client is asked for each of them. */
const CALLS = {
  get: (etcd, { key }, options) => etcd.get(key, options),
  set: (etcd, { key, value }, options) => etcd.set(key, value, options),
  create: (etcd, { key, value }, options) => etcd.set(key, value, { ...options, prevExist: false }),
  del: (etcd, { key }, options) => etcd.del(key, options),
  compareAndSwap: (etcd, { key, value, old }, options) => etcd.compareAndSwap(key, value, old, options),
  compareAndDelete: (etcd, { key, old }, options) => etcd.compareAndDelete(key, old, options),
};

/** What an answer tells about the value before it. */
function toldBy(kind, { node, prevNode }) {
  return (kind === 'get' ? node : prevNode)?.value ?? ABSENT;
}

/** What a refusal tells about it, or undefined if it is none. */
function toldByError({ errorCode, error }) {
  if (errorCode === 101) return `101 ${/^\[.* != (.*)\]$/.exec(error.cause)?.[1]}`;
  return errorCode === 100 || errorCode === 105 ? String(errorCode) : undefined;
}

/** { after, told } of an operation that takes place in a state. */
function perform(state, operation) {
  return OPERATIONS[operation.kind](state, operation);
}

/** For `findViolation`. Of an operation whose outcome is unknown, what it was told is undefined. */
function step(state, operation) {
  const { after, told } = perform(state, operation);
  return operation.told === undefined || operation.told === told ? after : undefined;
}

module.exports = { ABSENT, CALLS, perform, step, toldBy, toldByError };
