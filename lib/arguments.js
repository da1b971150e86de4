'use strict';

const { isDate } = require('node:util').types;
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
  if (options !== undefined && options !== null && typeof options !== 'object') {
    throw invalidType('options', 'an object', options);
  }
}

/** A copy with further properties; the caller's object is never changed. Inherited ones count, as they always did. */
function extended(options, extra) {
  checkOptions(options);
  const copy = {};
  for (const name in options) copy[name] = options[name];
  return Object.assign(copy, extra);
}

function checkKey(name, key) {
  if (typeof key !== 'string') throw invalidType(name, 'a string', key);
  if (/\p{Surrogate}/u.test(key)) throw invalidValue(`The "${name}" argument holds a lone surrogate`);
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

/** What a stored value is compared with. Undefined is no condition, as it always was. */
function checkOldValue(value) {
  const isText = typeof value !== 'object' || value === null || isDate(value) || value instanceof Uint8Array;
  if (!isText || typeof value === 'function' || typeof value === 'symbol') {
    throw invalidType('oldValue', 'a string, number, boolean, bigint, Date or Buffer', value);
  }
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
  checkAtLeastOne,
  checkBoolean,
  checkCount,
  checkKey,
  checkNumber,
  checkOldValue,
  checkOptions,
  checkSignal,
  extended,
  parseOptional,
};
