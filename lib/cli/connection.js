'use strict';

// Which etcd is meant: options and environment variables become a client.

const fs = require('node:fs');
const { usage } = require('./exit');
const { LiteralEtcd } = require('./literal-etcd');
const { askPassword } = require('./terminal');

const DEFAULT_ENDPOINTS = '127.0.0.1:2379';
const ENDPOINTS_VARIABLE = 'ETCDCTL_ENDPOINTS';
/** What the sides of a copy speak unless it is said: a variable cannot mean both. */
const SIDES = { from: 'v2', to: 'v3' };
/** Milliseconds for a host to accept a connection, and to say something when something is asked. */
const TIMEOUT = 30_000;

/** Each option of a connection: what it takes, what it says, and the variable that stands in for it. */
const SETTINGS = {
  api: { value: 'API', help: 'v2, v3 or v3-json', variable: 'NODE_ETCD_API' },
  namespace: { value: 'PREFIX', help: 'the prefix below which the tree lies (v3)' },
  cacert: { value: 'FILE', help: 'certificates that the servers must be signed by', variable: 'ETCDCTL_CACERT' },
  cert: { value: 'FILE', help: 'the certificate to identify with', variable: 'ETCDCTL_CERT' },
  key: { value: 'FILE', help: 'the key of that certificate', variable: 'ETCDCTL_KEY' },
  user: {
    value: 'NAME[:PASSWORD]',
    help: 'the user; without a password it is asked for, as others of this machine see arguments',
    variable: 'ETCDCTL_USERNAME',
  },
};

/** The options for one side of a copy, `from` or `to`, or for the only etcd of a command, without a side. */
function connectionOptions(side) {
  const settings = Object.entries(SETTINGS).map(([name, setting]) => [nameOf(name, side), setting]);
  const help = 'the hosts, separated by commas';
  if (side === undefined) {
    const endpoints = { value: 'HOSTS', help: `${help} (default: ${DEFAULT_ENDPOINTS})`, variable: ENDPOINTS_VARIABLE };
    return { endpoints, ...Object.fromEntries(settings) };
  }
  const api = { value: 'API', help: `${SETTINGS.api.help} (default: ${SIDES[side]})` };
  return { [side]: { value: 'HOSTS', help }, ...Object.fromEntries(settings), [nameOf('api', side)]: api };
}

/** A client of the etcd that the options mean. */
async function connect(values, side) {
  const chosen = (name) => values[nameOf(name, side)] ?? variable(SETTINGS[name].variable);
  const options = {
    api: side === undefined ? chosen('api') : (values[nameOf('api', side)] ?? SIDES[side]),
    namespace: chosen('namespace'),
    ca: readFile(chosen('cacert')),
    cert: readFile(chosen('cert')),
    key: readFile(chosen('key')),
    auth: await credentials(chosen('user')),
    timeout: TIMEOUT,
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  try {
    return new LiteralEtcd(hostsOf(values, side), Object.fromEntries(given));
  } catch (error) {
    throw usage(error.message);
  }
}

function hostsOf(values, side) {
  const hosts =
    side === undefined ? (values.endpoints ?? variable(ENDPOINTS_VARIABLE) ?? DEFAULT_ENDPOINTS) : values[side];
  if (hosts === undefined) throw usage(`--${side} HOSTS is missing`);
  return hosts.split(',').map((host) => host.trim());
}

const nameOf = (name, side) => (side === undefined ? name : `${side}-${name}`);
const variable = (name) => (name && process.env[name]) || undefined;

function readFile(file) {
  if (file === undefined) return undefined;
  try {
    return fs.readFileSync(file);
  } catch (error) {
    throw usage(error.message);
  }
}

async function credentials(user) {
  if (user === undefined) return undefined;
  const colon = user.indexOf(':');
  if (colon !== -1) return { user: user.slice(0, colon), pass: user.slice(colon + 1) };
  return { user, pass: process.env.ETCDCTL_PASSWORD || (await askPassword(user)) };
}

module.exports = { connect, connectionOptions };
