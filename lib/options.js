'use strict';

const {
  checkAtLeastOne,
  checkBoolean,
  checkCount,
  checkNamedValues,
  checkNumber,
  checkOptions,
} = require('./arguments');
const { invalidType, invalidValue } = require('./errors');
const { EtcdApi } = require('./addon');
const { checkTunnel, proxiesOf, readProxy } = require('./proxy');
const { TLS_READERS, completeTls } = require('./tls');

/** What each request gets unless it says otherwise. */
const CALL_DEFAULTS = { timeout: 0, maxRetries: 3 };

/** What the native client gets unless an option says otherwise. */
const NATIVE_DEFAULTS = {
  headers: [],
  ca: [],
  skipsUnusableCa: false,
  maxRedirects: 10,
  followWrites: true,
  followReads: true,
  gzip: false,
  maxSockets: 100,
  keepAlive: true,
  // Of what etcd says of one key, a value of 10 MB at most before and after, each sign escaped, is 40 MB.
  maxResponseSize: 64 * 1024 * 1024,
  resendWrites: true,
  namespace: '',
};

const APIS = Object.values(EtcdApi);

const flag = (name, meaning) => (value) => ({ [meaning]: checkBoolean(`options.${name}`, value) });
const count = (name, meaning) => (value) => ({ [meaning]: checkCount(`options.${name}`, value) });

/**
 * A reader for each option of the constructor: checks the value and says what it means. node-etcd handed its options
 * to `request`; those of its options that cannot be honoured are refused.
 */
const READERS = {
  api: (value) => ({ api: checkApi('options.api', value) }),
  namespace: (value) => ({ namespace: checkNamespace(value) }),
  timeout: (value) => ({ timeout: checkNumber('options.timeout', value) }),
  maxRetries: count('maxRetries', 'maxRetries'),
  resendWrites: flag('resendWrites', 'resendWrites'),
  maxResponseSize: (value) => ({ maxResponseSize: checkNumber('options.maxResponseSize', value) }),
  auth: readAuth,
  headers: readHeaders,
  gzip: flag('gzip', 'gzip'),
  followRedirect: flag('followRedirect', 'followReads'),
  followAllRedirects: flag('followAllRedirects', 'followWrites'),
  followOriginalHttpMethod: alwaysTrue('followOriginalHttpMethod'),
  removeRefererHeader: alwaysTrue('removeRefererHeader'),
  maxRedirects: count('maxRedirects', 'maxRedirects'),
  proxy: readProxy,
  tunnel: flag('tunnel', 'tunnel'),
  forever: flag('forever', 'keepAlive'),
  pool: readPool,
  maxSockets: (value) => ({ maxSockets: checkAtLeastOne('options.maxSockets', value) }),
  localAddress: (value) => ({ localAddress: checkString('options.localAddress', value) }),
  agentOptions: (value) =>
    read('options.agentOptions', checkNamedValues('options.agentOptions', value), {
      ...TLS_READERS,
      maxSockets: READERS.maxSockets,
    }),
  ...TLS_READERS,
};

/** The options that mean something to a store in this process, which has no connections to configure. */
const MEMORY_READERS = {
  timeout: READERS.timeout,
  maxRetries: READERS.maxRetries,
  resendWrites: READERS.resendWrites,
};

/** What the constructor's arguments mean: the limits of each request, and the native client's configuration. */
function readOptions(hosts, options) {
  const hostList = readHosts(hosts);
  const memory = memoryName(hostList);
  if (memory !== undefined) return readMemoryOptions(memory, options);
  const {
    timeout,
    maxRetries,
    proxies: chosen,
    tunnel,
    ...native
  } = {
    ...CALL_DEFAULTS,
    ...read('options', options, READERS),
  };
  native.api ??= apiOfEnvironment();
  if (native.namespace !== undefined && native.api === EtcdApi.V2) {
    throw invalidValue('The option "namespace" needs the option "api" to be "v3": v2 has none');
  }
  for (const host of hostList) checkTunnel(tunnel, isSecure(host));
  const hasSecureHost = hostList.some(isSecure);
  const proxies = proxiesOf(chosen, hasSecureHost);
  if (native.ca === undefined && (hasSecureHost || proxies()?.some(isSecure))) {
    const { trustedRoots } = require('./trusted-roots'); // loaded for https alone
    native.ca = trustedRoots();
    native.skipsUnusableCa = true;
  }
  if (hasSecureHost) native.servername ??= hostHeader(native.headers);
  const complete = { ...NATIVE_DEFAULTS, ...completeTls(native), hosts: hostList, shortWaits: shortWaits() };
  return { timeout, maxRetries, proxies, native: complete };
}

function readMemoryOptions(memory, options) {
  const { timeout, maxRetries, ...native } = {
    ...CALL_DEFAULTS,
    ...read('the options of a store in this process ("memory:")', options, MEMORY_READERS),
  };
  const complete = { ...NATIVE_DEFAULTS, ...native, hosts: [], memory, api: EtcdApi.V2, acceptAnyServer: false };
  return { timeout, maxRetries, proxies: () => null, native: { ...complete, shortWaits: shortWaits() } };
}

/** The name of the store in this process that the hosts mean, if they do. */
function memoryName(hosts) {
  const isMemory = (host) => /^\s*memory:/i.test(host);
  if (!hosts.some(isMemory)) return undefined;
  if (hosts.length > 1) {
    throw invalidValue('A store in this process ("memory:") cannot be combined with other hosts');
  }
  return hosts[0].trim().slice('memory:'.length);
}

/** Which API keeps the keys, for clients that do not say it themselves. */
function apiOfEnvironment() {
  return checkApi('NODE_ETCD_API', process.env.NODE_ETCD_API || EtcdApi.V2);
}

function checkApi(name, api) {
  if (APIS.includes(api)) return api;
  const list = APIS.map((one) => `"${one}"`).join(', ');
  if (typeof api !== 'string') throw invalidType(name, `one of ${list}`, api);
  throw invalidValue(`${name} is "${api}". There is: ${list}`);
}

function checkNamespace(namespace) {
  if (/\p{Surrogate}/u.test(checkString('options.namespace', namespace))) {
    throw invalidValue('The option "namespace" holds a lone surrogate, which UTF-8 cannot carry');
  }
  return namespace;
}

/** Whether retries wait for a millisecond only. */
function shortWaits() {
  return process.env.RUNNING_UNIT_TESTS === 'true';
}

function read(what, options, readers) {
  checkOptions(options);
  const meaning = {};
  for (const name in options) {
    const value = options[name];
    // Only of a proxy does null say something.
    if (value === undefined || (value === null && name !== 'proxy')) continue;
    if (!Object.hasOwn(readers, name)) {
      const supported = Object.keys(readers).join(', ');
      throw invalidValue(`The option "${name}" is not supported. Supported in ${what}: ${supported}`);
    }
    Object.assign(meaning, readers[name](value));
  }
  return meaning;
}

/** A `host` header is also the name that the server's certificate must hold. */
function hostHeader(headers = []) {
  const host = headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? '';
  const [, address, name] = /^(?:\[(.+)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [undefined, undefined, host];
  return address || name || undefined;
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

function checkString(name, value) {
  if (typeof value !== 'string') throw invalidType(name, 'a string', value);
  return value;
}

/** An option for what is done anyway. */
function alwaysTrue(name) {
  return (value) => {
    if (!checkBoolean(`options.${name}`, value)) throw invalidValue(`The option "${name}" cannot be false`);
    return {};
  };
}

function readPool(pool) {
  return read('options.pool', checkNamedValues('options.pool', pool), { maxSockets: READERS.maxSockets });
}

function readAuth(auth) {
  const { user, username, pass, password, bearer, sendImmediately, ...rest } = checkNamedValues('options.auth', auth);
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw invalidValue(`The option "auth.${unknown}" is not supported`);
  if (sendImmediately === false) {
    throw invalidValue('The option "auth.sendImmediately" cannot be false: etcd never asks for credentials');
  }
  const name = username ?? user;
  if (name === undefined && bearer === undefined) {
    throw invalidValue('The option "auth" must hold a user (or username) or a bearer token');
  }
  const meaning = { user: name, password: password ?? pass, bearer };
  for (const key of Object.keys(meaning)) {
    if (meaning[key] !== undefined && typeof meaning[key] !== 'string') {
      throw invalidType(`options.auth.${key}`, 'a string', meaning[key]);
    }
  }
  return meaning;
}

/** Headers that say how a message is framed or its connection used, which is not the user's to decide. */
const OWN_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function readHeaders(headers) {
  const pairs = [];
  for (const [name, value] of Object.entries(checkNamedValues('options.headers', headers))) {
    if (value === undefined) continue;
    if (OWN_HEADERS.has(name.toLowerCase())) {
      throw invalidValue(`The option "headers" cannot set ${name}: what the connection needs is sent by itself`);
    }
    for (const line of Array.isArray(value) ? value : [value]) {
      if (!['string', 'number', 'boolean'].includes(typeof line)) {
        throw invalidType(`options.headers.${name}`, 'a string', line);
      }
      pairs.push([name, String(line)]);
    }
  }
  return { headers: pairs };
}

module.exports = { readOptions };
