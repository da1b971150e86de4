'use strict';

const { isDate } = require('node:util').types;
const { invalidType, invalidValue } = require('./errors');

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Encodes an object as `request` did with qs (semantics.md 2.2): nested names in brackets, null as an empty value,
 * undefined and functions left out, RFC 3986 escapes.
 */
function encodeParameters(object) {
  const pairs = [];
  // Inherited properties count, as they did.
  for (const name in object) append(pairs, name, object[name]);
  return pairs.join('&');
}

function append(pairs, name, value) {
  if (value === undefined || typeof value === 'function') return;
  if (typeof value === 'symbol') throw invalidType(name, 'a value that can be sent', value);
  const text = asText(name, value);
  if (text !== undefined) {
    pairs.push(`${encode(name, name)}=${encode(name, text)}`);
  } else {
    for (const key of Object.keys(value)) append(pairs, `${name}[${key}]`, value[key]);
  }
}

/** Scalars, dates and bytes; undefined for an object or array. */
function asText(name, value) {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  if (isDate(value)) {
    if (Number.isNaN(value.getTime())) throw invalidValue(`The "${name}" argument is an invalid Date`);
    return value.toISOString();
  }
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
  return undefined;
}

function encode(name, text) {
  try {
    return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  } catch {
    throw loneSurrogate(name);
  }
}

function loneSurrogate(name) {
  return invalidValue(`The "${name}" argument holds a lone surrogate, which UTF-8 cannot carry`);
}

/** The text of a value, or null for no value. An object would be stored as "" by etcd: refused. */
function valueText(value) {
  if (value === null || value === undefined) return null;
  // A callback in the value's place: etcd stored "" for it.
  if (typeof value === 'function') return '';
  const text = typeof value === 'symbol' ? undefined : asText('value', value);
  if (text === undefined) {
    throw invalidType(
      'value',
      'a string, number, boolean, bigint, Date or Buffer (JSON.stringify other values)',
      value,
    );
  }
  if (LONE_SURROGATE.test(text)) throw loneSurrogate('value');
  return text;
}

module.exports = { encodeParameters, valueText };
