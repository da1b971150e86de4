'use strict';

const { isDate } = require('node:util').types;
const { TEXTUAL, hasLoneSurrogate, isEverybodys, isTextual } = require('./arguments');
const { invalidType, invalidValue } = require('./errors');

const FLAG = 'a boolean';
const INDEX = 'a whole number';
/** What etcd's own options take; others take all that can be sent. */
const EXPECTED = new Map([
  ['ttl', 'a number of seconds'],
  ['prevIndex', INDEX],
  ['waitIndex', INDEX],
  ['dir', FLAG],
  ['noValueOnSuccess', FLAG],
  ['prevExist', FLAG],
  ['quorum', FLAG],
  ['recursive', FLAG],
  ['refresh', FLAG],
  ['sorted', FLAG],
  ['stream', FLAG],
  ['wait', FLAG],
]);

/**
 * The options that are for etcd as a query: null as an empty value, undefined left out, RFC 3986 escapes (semantics.md
 * 2.2). What cannot be written is refused: left out, a write would take place without its condition.
 */
function encodeParameters(options, others) {
  const pairs = [];
  // Inherited properties count, as they did.
  for (const name in options) {
    const value = options[name];
    if (value !== undefined && !others.has(name) && !isEverybodys(name, value)) pairs.push(pair(name, value));
  }
  return pairs.join('&');
}

function pair(name, value) {
  const argument = `options.${name}`;
  if (!isTextual(value)) throw invalidType(argument, EXPECTED.get(name) ?? TEXTUAL, value);
  return `${encode(argument, name)}=${encode(argument, asText(argument, value))}`;
}

function asText(name, value) {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  return isDate(value) ? dateText(name, value) : bytesText(value);
}

function dateText(name, date) {
  if (Number.isNaN(date.getTime())) throw invalidValue(`The "${name}" argument is an invalid Date`);
  return date.toISOString();
}

function bytesText({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength).toString();
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
  if (!isTextual(value)) throw invalidType('value', `${TEXTUAL} (JSON.stringify other values)`, value);
  const text = asText('value', value);
  if (hasLoneSurrogate(text)) throw loneSurrogate('value');
  return text;
}

module.exports = { encodeParameters, valueText };
