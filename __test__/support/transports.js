'use strict';

// What the tests' clients talk over: TEST_TRANSPORT names one of these. A further one is a row:
//
//   start       (options) => what it needs, started: { host, url, version, name, stop(), kill(), start() … }; the options
//               are those of scripts/etcd-server.js, for those that can have them
//   cluster     (options) => a started cluster of several members, if there can be one: that of scripts/etcd-cluster.js
//   hosts       (address) => what `new Etcd` gets as hosts, for a `host:port`
//   options     of every client
//   current     the options of a read that must not be older than what was acknowledged before
//   env         of scripts in processes of their own, whose clients have no options
//   runBeside   (file, { args, timeoutMs }) => runs a file where it reaches the same server, beside the test
//   startBeside (file, { args, env }) => starts one there: { printed, ended, kill() … }, see node-script.js
//   leavesOut   the tests that say nothing about it: { file, tests, because }, of a file such as `watcher/faults` those
//               with these names, or in a `describe` with such a name; all, if there are no `tests`

const path = require('node:path');
const { Failure } = require('../../scripts/command');
const { findEtcdV3, startCluster, startEtcd } = require('../../scripts/etcd');
const { NEWEST } = require('../../scripts/etcd-versions');
const { runScript, runThread, setScriptEnvironment, startScript, startThread } = require('./node-script');

// A folder with server.pem and server-key.pem: etcd then speaks https. Its authority must be trusted by
// NODE_EXTRA_CA_CERTS (scripts/test-servers.js sets both).
const { TEST_TLS } = process.env;
const tls = TEST_TLS && { cert: path.join(TEST_TLS, 'server.pem'), key: path.join(TEST_TLS, 'server-key.pem') };

/** Tests whose server follows a script, and so speaks HTTP whatever the transport is. */
const SCRIPTED = {
  'processes/lifecycle': [
    'can exit with 100 requests and watchers in flight',
    'a signal',
    'a thread that a Sync call blocks',
  ],
  'requests/arguments': ['the last two arguments'],
  'requests/compare': ['on the wire'],
  'requests/information': [
    'each asks for its path, with further options as parameters',
    'a follower that has no statistics of the leader is no error',
  ],
  'requests/inheritance': ['a replaced method'],
  'requests/load': ['1,000 requests at once all get their answers'],
  'requests/sync': ['a Sync call blocks'],
  'watcher/faults': ['an answer that is no event', 'a watcher of several hosts', 'during a pause'],
};

/** The command says which etcd is meant, and of which store, by its own arguments. */
const OF_THE_COMMAND = ['cli/copy', 'cli/documented', 'cli/moves', 'cli/requests', 'cli/terminal'].map((file) => ({
  file,
  because: 'the command is told by its arguments what it talks to',
}));

/** What a transport leaves out, from tests by file. */
function leftOutFor(testsByFile, because) {
  return Object.entries(testsByFile).map(([file, tests]) => ({ file, tests, because }));
}

/** v2 kept on etcd's v3 API. */
function onV3(api) {
  return {
    start: (options) => startEtcd({ etcd: findEtcdV3(), tls, ...options }),
    cluster: (options) => startCluster({ etcd: findEtcdV3(), tls, ...options }),
    hosts: (address) => (tls ? `https://${address}` : address),
    options: { api },
    current: {},
    env: { NODE_ETCD_API: api },
    runBeside: runScript,
    startBeside: startScript,
    leavesOut: [
      ...OF_THE_COMMAND,
      { file: 'install/install', because: 'that is a test of the package, which is the same for each transport' },
      { file: 'support/support', because: 'that is a test of the tools, which are the same for each transport' },
      {
        file: 'requests/inheritance',
        tests: ['an object inherits', 'promisifying'],
        because: 'its clients get no options: what inherits is the same for each transport',
      },
      {
        file: 'watcher/buffer',
        tests: [
          'is told of an event beyond it as an error, once, and the watch goes on behind it',
          'ends a loop with the error, as the event is lost to it',
        ],
        because: 'what is in a message that is too large is not known: the watcher reconnects (docs/stores.md)',
      },
      {
        file: 'requests/debugging',
        tests: ['NODE_DEBUG=etcd'],
        because: 'one of its hosts is a scripted server, which speaks HTTP',
      },
      {
        file: 'connections/proxies',
        because: 'it looks for the paths of v2 in the log of a proxy: v3/proxies does so for v3',
      },
      {
        file: 'processes/close',
        tests: ['with { abort: true } ends all that a client can have under way'],
        because: 'a scripted server, which speaks HTTP, is the silent one',
      },
      {
        file: 'watcher/faults',
        tests: ['no longer has the events of its index emits resync and goes on from where etcd is'],
        because: 'v3 forgets only what is compacted: v3/watching does that',
      },
      {
        file: 'watcher/lossless',
        tests: ['emits resync once when events may be lost for good, and goes on'],
        because: 'v3 forgets only what is compacted: v3/watching does that',
      },
      ...leftOutFor(SCRIPTED, 'a scripted server takes its place'),
    ],
  };
}

const TRANSPORTS = {
  /** etcd's v2 API over HTTP. */
  v2: {
    start: (options) => startEtcd({ tls, ...options }),
    cluster: (options) => startCluster({ tls, ...options }),
    hosts: (address) => (tls ? `https://${address}` : address),
    options: {},
    current: { quorum: true },
    runBeside: runScript,
    startBeside: startScript,
    leavesOut: [],
  },

  /** v2 kept on etcd's v3 API, over gRPC. */
  v3: onV3('v3'),

  /** The same over the JSON gateway. */
  'v3-json': onV3('v3-json'),

  /** A store in this process. */
  memory: {
    start: startMemory,
    hosts: (address) => address,
    options: {},
    current: {},
    runBeside: runThread,
    startBeside: startThread,
    leavesOut: [
      {
        file: 'examples/programs',
        tests: [
          'hands over at once when the leader is ended',
          'lists a service no longer that was ended',
          'lets a worker that is ended finish its job',
        ],
        because: 'its programs are threads of this process, which get no signals',
      },
      {
        file: 'examples/models',
        tests: ['reads again after a resync, and goes on'],
        because: 'it has no data that could be wiped while it runs',
      },
      { file: 'connections/client', because: 'it has no hosts, credentials, headers or connections' },
      { file: 'connections/cluster', because: 'it is the only member there is' },
      { file: 'connections/failover', because: 'it is the only member there is' },
      { file: 'connections/linearizable', because: 'it is the only member there is' },
      { file: 'connections/kept-connections', because: 'it has no connections' },
      { file: 'connections/local-failures', because: 'it is not reached through a network' },
      { file: 'processes/refusals', because: 'it needs neither descriptors nor a thread' },
      { file: 'connections/proxies', because: 'it is not reached through a network' },
      ...OF_THE_COMMAND,
      { file: 'install/install', because: 'that is a test of the package, which is the same for each transport' },
      { file: 'support/support', because: 'that is a test of the tools, which are the same for each transport' },
      {
        file: 'processes/close',
        tests: [
          'closes the kept connections, those of Sync calls too',
          'with { abort: true } ends all that a client can have under way',
        ],
        because: 'it has no connections',
      },
      {
        file: 'processes/lifecycle',
        tests: ['the processes of a cluster each have a client'],
        because: 'each process has stores of its own',
      },
      {
        file: 'processes/lifecycle',
        tests: ['two copies of the package work in one process'],
        because: 'each copy of the binary has stores of its own',
      },
      {
        file: 'requests/debugging',
        tests: ['NODE_DEBUG=etcd'],
        because: 'the host has credentials, which it does not take',
      },
      {
        file: 'requests/load',
        tests: ['10,000 requests at 64 in flight', '10,000 requests one after the other use one connection'],
        because: 'they count connections, of which it has none',
      },
      { file: 'requests/sync', tests: ['goes on to another host'], because: 'it cannot be one of several hosts' },
      {
        file: 'watcher/loops',
        tests: ['is how soon it notices a server that has become silent, and then it loses nothing'],
        because: 'it cannot be paused',
      },
      {
        file: 'watcher/lossless',
        tests: [
          'goes on with another host when its own dies',
          'a recursive watcher of two hosts',
          'a watcher of a quiet key',
        ],
        because: 'no proxy can be before it',
      },
      {
        file: 'watcher/replaced',
        tests: ['a watcher of a store that was wiped', 'in-order keys'],
        because: 'it has no data on disk: memory/memory-store resets it',
      },
      {
        file: 'watcher/buffer',
        tests: ['maxResponseSize'],
        because: 'nothing of it is received',
      },
      ...leftOutFor(SCRIPTED, 'a scripted server takes its place'),
    ],
  },
};

let stores = 0;

/** An empty store that nobody else in this process uses. While it is killed, it refuses connections. */
async function startMemory() {
  const Etcd = require('../..'); // not before the addon is built
  stores += 1;
  const store = Etcd.memory(`test-${stores}`);
  return {
    host: store.host,
    url: store.host,
    version: NEWEST['3.4'], // what it answers like
    name: 'memory',
    kill: async () => store.disconnect(),
    start: async () => store.reconnect(),
    stop: async () => store.reset(),
  };
}

/** The transport that the environment names. */
function chosenTransport() {
  const name = process.env.TEST_TRANSPORT || 'v2';
  if (Object.hasOwn(TRANSPORTS, name)) {
    setScriptEnvironment(TRANSPORTS[name].env);
    return { name, ...TRANSPORTS[name] };
  }
  throw new Failure(`TEST_TRANSPORT is "${name}". There is: ${Object.keys(TRANSPORTS).join(', ')}`);
}

/** Why a transport leaves out a test, if it does. */
function whyLeftOut({ leavesOut }, file, name) {
  return leavesOut.find((entry) => entry.file === file && (entry.tests?.includes(name) ?? true))?.because;
}

module.exports = { TRANSPORTS, chosenTransport, whyLeftOut };
