'use strict';

const { invalidType, invalidValue } = require('./errors');

/**
 * Encodes an object as `request` did with qs (semantics.md 2.2): nested names in brackets, null as an empty value,
 * undefined and functions left out, RFC 3986 escapes.
 */
function stringify(object) {
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
  if (value instanceof Date) {
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
    throw invalidValue(`The "${name}" argument holds a lone surrogate, which UTF-8 cannot carry`);
  }
}

/** The form that carries a value, or null for no value. An object would be stored as "" by etcd: refused. */
function formOf(value) {
  if (value === null || value === undefined) return null;
  if (typeof value === 'symbol' || (typeof value === 'object' && asText('value', value) === undefined)) {
    throw invalidType(
      'value',
      'a string, number, boolean, bigint, Date or Buffer (JSON.stringify other values)',
      value,
    );
  }
  return stringify({ value });
}

module.exports = { formOf, stringify };
