'use strict';

const { checkNumber, checkOptions } = require('./arguments');
const { invalidType, invalidValue } = require('./errors');
const { trustedRoots } = require('./roots');

const DEFAULT_MAX_RETRIES = 3;
const DEFAULT_MAX_RESPONSE_SIZE = 256 * 1024 * 1024;
/** No limit, as the native side counts. */
const MAX_RETRIES = 2 ** 32 - 1;

/** A reader for each option of the constructor: checks the value and says what it means to the native client. */
const READERS = {
  timeout: (value) => ({ timeout: checkNumber('options.timeout', value) }),
  maxRetries: (value) => ({ maxRetries: checkMaxRetries(value) }),
  maxResponseSize: (value) => ({ maxResponseSize: checkNumber('options.maxResponseSize', value) }),
  auth: readAuth,
  headers: readHeaders,
  ca: (value) => ({ ca: (Array.isArray(value) ? value : [value]).map((pem) => readPem('ca', pem)) }),
  cert: (value) => ({ cert: readPem('cert', value) }),
  key: (value) => ({ key: readPem('key', value) }),
};

/** What the constructor's arguments mean: the limits of each request, and the native client's configuration. */
function readOptions(hosts, options) {
  checkOptions(options);
  const { timeout = 0, maxRetries = DEFAULT_MAX_RETRIES, ...native } = read(options);
  const hostList = readHosts(hosts);
  if (native.ca === undefined && hostList.some(isSecure)) native.ca = trustedRoots();
  const shortWaits = process.env.RUNNING_UNIT_TESTS === 'true';
  const defaults = { headers: [], ca: [], maxResponseSize: DEFAULT_MAX_RESPONSE_SIZE };
  return { timeout, maxRetries, native: { ...defaults, ...native, hosts: hostList, shortWaits } };
}

function read(options) {
  const meaning = {};
  for (const name in options) {
    const value = options[name];
    if (value === undefined || value === null) continue;
    if (!Object.hasOwn(READERS, name)) {
      const supported = Object.keys(READERS).join(', ');
      throw invalidValue(`The option "${name}" is not supported. Supported options: ${supported}`);
    }
    Object.assign(meaning, READERS[name](value));
  }
  return meaning;
}

function readHosts(hosts) {
  const list = Array.isArray(hosts) ? hosts : [hosts];
  for (const host of list) {
    if (typeof host !== 'string') throw invalidType('hosts', 'a string or an array of strings', host);
  }
  return list;
}

function isSecure(host) {
  return /^\s*https:/i.test(host);
}

function checkMaxRetries(value) {
  return Math.min(Math.trunc(checkNumber('options.maxRetries', value)), MAX_RETRIES);
}

function readAuth(auth) {
  if (typeof auth !== 'object') throw invalidType('options.auth', 'an object', auth);
  const { user, username, pass, password, bearer, sendImmediately, ...rest } = auth;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw invalidValue(`The option "auth.${unknown}" is not supported`);
  if (sendImmediately === false) {
    throw invalidValue('The option "auth.sendImmediately" cannot be false: etcd never asks for credentials');
  }
  const name = user ?? username;
  if (name === undefined && bearer === undefined) {
    throw invalidValue('The option "auth" must hold a user (or username) or a bearer token');
  }
  const meaning = { user: name, password: pass ?? password, bearer };
  for (const key of Object.keys(meaning)) {
    if (meaning[key] !== undefined && typeof meaning[key] !== 'string') {
      throw invalidType(`options.auth.${key}`, 'a string', meaning[key]);
    }
  }
  return meaning;
}

function readHeaders(headers) {
  if (typeof headers !== 'object') throw invalidType('options.headers', 'an object', headers);
  const pairs = [];
  for (const [name, value] of Object.entries(headers)) {
    for (const line of Array.isArray(value) ? value : [value]) {
      if (!['string', 'number', 'boolean'].includes(typeof line)) {
        throw invalidType(`options.headers.${name}`, 'a string', line);
      }
      pairs.push([name, String(line)]);
    }
  }
  return { headers: pairs };
}

function readPem(name, value) {
  if (typeof value === 'string') return Buffer.from(value);
  if (value instanceof Uint8Array) return Buffer.from(value);
  throw invalidType(`options.${name}`, 'PEM text in a string or Buffer', value);
}

module.exports = { checkMaxRetries, readOptions };
