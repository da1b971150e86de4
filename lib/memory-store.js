'use strict';

const { MemoryFault, NativeMemory } = require('./addon');
const { checkCount, checkKey, checkNumber, checkOptions } = require('./arguments');
const { invalidType, invalidValue } = require('./errors');

/** Requests that each rule is for, unless it says otherwise. */
const ONCE = 1;
/** A hundred years, in milliseconds: times beyond what the clock counts to would say nothing. */
const MAX_ADVANCE = 100 * 365.25 * 24 * 60 * 60 * 1000;
/** What the native side counts as a delay at the most: for ever. */
const ENDLESS = Number.MAX_SAFE_INTEGER;

/**
 * A store in this process, which clients name as `memory:NAME`: for tests of programs, which fill it, look at it, set its
 * clock, and let requests fail.
 */
class MemoryStore {
  #native;

  constructor(name = '') {
    if (typeof name !== 'string') throw invalidType('name', 'a string', name);
    this.host = `memory:${name}`;
    this.#native = new NativeMemory(name);
  }

  reset() {
    this.#native.reset();
  }

  load(tree) {
    if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
      throw invalidType('tree', 'an object of paths and values', tree);
    }
    checked(() => this.#native.load(JSON.stringify(tree)));
  }

  dump() {
    return JSON.parse(this.#native.dump());
  }

  advance(milliseconds) {
    if (checkNumber('milliseconds', milliseconds) > MAX_ADVANCE) {
      throw invalidValue('The "milliseconds" argument must be at most 100 years');
    }
    this.#native.advance(milliseconds);
  }

  fail(rule) {
    const { method, key, times, with: fault = 'refused' } = readRule(rule, ['with']);
    if (!Object.values(MemoryFault).includes(fault)) {
      throw invalidValue(`rule.with is one of ${Object.values(MemoryFault).join(', ')}`);
    }
    checked(() => this.#native.fail(method, key, times, fault));
  }

  delay(milliseconds, rule) {
    const { method, key, times } = readRule(rule, []);
    const time = Math.min(checkNumber('milliseconds', milliseconds), ENDLESS);
    checked(() => this.#native.delay(method, key, times, time));
  }

  requests() {
    return JSON.parse(this.#native.requests());
  }

  disconnect() {
    this.#native.disconnect();
  }

  reconnect() {
    this.#native.reconnect();
  }

  compact() {
    this.#native.compact();
  }
}

/** Which requests something happens to. */
function readRule(rule, more) {
  checkOptions(rule);
  const { method, key, times = ONCE, ...rest } = rule ?? {};
  const unknown = Object.keys(rest).find((name) => !more.includes(name));
  if (unknown !== undefined) {
    throw invalidValue(`rule.${unknown} is not known. Known: ${['method', 'key', 'times', ...more].join(', ')}`);
  }
  if (method !== undefined && typeof method !== 'string') throw invalidType('rule.method', 'a string', method);
  if (key !== undefined) checkKey('rule.key', key);
  return { method: method?.toUpperCase(), key, times: checkCount('rule.times', times), ...rest };
}

/** Runs `work`, which the native side refuses with a message of its own. */
function checked(work) {
  try {
    work();
  } catch (error) {
    if (error.code !== 'InvalidArg') throw error;
    throw invalidValue(error.message);
  }
}

module.exports = { MemoryStore };
