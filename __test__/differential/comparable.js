'use strict';

// What a client handed back, as plain data that can cross to another process and be compared.

/** Fields that differ from one request to the next, or from one etcd to the other. */
const VOLATILE = new Set(['stack', 'date', 'x-etcd-cluster-id', 'x-raft-index', 'x-raft-term', 'expiration']);

/** An error as its class, message and own fields. */
function comparableError(error, seen) {
  return { error: error.constructor.name, message: error.message, ...comparableFields(error, seen) };
}

function comparableFields(object, seen) {
  const fields = Object.entries(object).filter(([name]) => !VOLATILE.has(name));
  return Object.fromEntries(fields.map(([name, value]) => [name, comparableField(name, value, seen)]));
}

/** Of a response only what both clients have: node-etcd's is an IncomingMessage. */
function comparableField(name, value, seen) {
  if (name === 'response' && value?.statusCode !== undefined) {
    const { statusCode, headers, body } = value;
    return comparable({ statusCode, headers, body }, seen);
  }
  return comparable(value, seen);
}

function comparable(value, seen = []) {
  if (typeof value === 'function') return '[function]';
  if (typeof value === 'symbol') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (seen.includes(value)) return '[circular]';
  const path = [...seen, value];
  if (value instanceof Error) return comparableError(value, path);
  if (value instanceof Date) return '[date]';
  if (value instanceof Uint8Array) return '[bytes]';
  if (Array.isArray(value)) return value.map((item) => comparable(item, path));
  return comparableFields(value, path);
}

/** A copy of plain data in which `change(value, name)` has replaced texts and numbers; names are changed as texts. */
function replaced(value, change, name) {
  if (typeof value === 'string' || typeof value === 'number') return change(value, name);
  if (typeof value !== 'object' || value === null || value instanceof RegExp || value instanceof Uint8Array)
    return value;
  if (Array.isArray(value)) return value.map((item) => replaced(item, change, name));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), replaced(item, change, key)]));
}

/** A text with `{name}` replaced by what has that name; anything else as it is. */
function filled(text, places) {
  return typeof text === 'string' ? text.replace(/\{(\w+)\}/g, (all, name) => places[name] ?? all) : text;
}

module.exports = { comparable, filled, replaced };
