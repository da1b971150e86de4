'use strict';

const { isDate, isUint8Array } = require('node:util').types;
const { invalidType, invalidValue } = require('./errors');

/** No limit, as the native side counts. */
const UNLIMITED = 2 ** 32 - 1;

/** The optional last two arguments of every method: `[options], [callback]`; options may be null. */
function parseOptional(options, callback) {
  if (typeof options === 'function') return [undefined, options];
  checkOptions(options);
  if (callback !== undefined && callback !== null && typeof callback !== 'function') {
    throw invalidType('callback', 'a function', callback);
  }
  return [options ?? undefined, callback ?? undefined];
}

function checkOptions(options) {
  if (options !== undefined && options !== null) checkNamedValues('options', options);
}

/** What objects of names and values are to `Object.prototype.toString`, in every realm. */
const NAMED_VALUES = new Set(['[object Object]', '[object Module]']);

/** Names and values, not what keeps them elsewhere than in its properties: a Map, an array, a promise of options. */
function checkNamedValues(name, value) {
  if (typeof value !== 'object' || !NAMED_VALUES.has(Object.prototype.toString.call(value))) {
    throw invalidType(name, 'an object of names and values', value);
  }
  return value;
}

/** A copy with further properties; the caller's object is never changed. Inherited ones count, as they always did. */
function extended(options, extra) {
  checkOptions(options);
  const entries = [];
  for (const name in options) {
    if (!isEverybodys(name, options[name])) entries.push([name, options[name]]);
  }
  // Unlike assigning, this makes a property of a name such as `__proto__`.
  return Object.assign(Object.fromEntries(entries), extra);
}

/** Whether this is a method that some library gave to all objects. */
function isEverybodys(name, value) {
  return typeof value === 'function' && value === Object.prototype[name];
}

/** Half of a character, which UTF-8 cannot carry. */
function hasLoneSurrogate(text) {
  return /\p{Surrogate}/u.test(text);
}

function checkKey(name, key) {
  if (typeof key !== 'string') throw invalidType(name, 'a string', key);
  if (hasLoneSurrogate(key)) throw invalidValue(`The "${name}" argument holds a lone surrogate`);
  return key;
}

/** A count or a time: finite or, for no limit, Infinity. */
function checkNumber(name, value) {
  if (typeof value !== 'number') throw invalidType(name, 'a number', value);
  if (Number.isNaN(value) || value < 0) throw invalidValue(`The "${name}" argument must not be negative or NaN`);
  return value;
}

function checkCount(name, value) {
  return Math.min(Math.ceil(checkNumber(name, value)), UNLIMITED);
}

/** For what would wait for ever if there were none. */
function checkAtLeastOne(name, value) {
  if (checkCount(name, value) === 0) throw invalidValue(`The "${name}" argument must be at least 1`);
  return checkCount(name, value);
}

function checkBoolean(name, value) {
  if (typeof value !== 'boolean') throw invalidType(name, 'a boolean', value);
  return value;
}

/** What can be sent, in words. */
const TEXTUAL = 'a string, number, boolean, bigint, Date or Buffer';

/** Whether a value can be sent as text. Told by what it is, not by its class, which every realm has anew. */
function isTextual(value) {
  if (typeof value === 'object') return value === null || isDate(value) || isUint8Array(value);
  return typeof value !== 'function' && typeof value !== 'symbol' && value !== undefined;
}

/** What a stored value is compared with. */
function checkOldValue(value) {
  if (!isTextual(value)) throw invalidType('oldValue', TEXTUAL, value);
  return value;
}

function checkSignal(signal) {
  const isSignal = typeof signal === 'object' && signal !== null && typeof signal.aborted === 'boolean';
  if (!isSignal || typeof signal.addEventListener !== 'function') {
    throw invalidType('options.signal', 'an AbortSignal', signal);
  }
  return signal;
}

module.exports = {
  TEXTUAL,
  checkAtLeastOne,
  checkBoolean,
  checkCount,
  checkKey,
  checkNamedValues,
  checkNumber,
  checkOldValue,
  checkOptions,
  checkSignal,
  extended,
  hasLoneSurrogate,
  isEverybodys,
  isTextual,
  parseOptional,
};
