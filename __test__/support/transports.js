'use strict';

// What the tests' clients talk over: TEST_TRANSPORT names one of these. A further one is a row:
//
//   start       (options) => what it needs, started: { host, stop(), … }; the options are those of scripts/etcd-server.js
//   hosts       (address) => what `new Etcd` gets as hosts, for a `host:port`
//   options     of every client
//   leavesOut   the tests that say nothing about it: { file, tests, because }, of a file such as `watcher/faults` those
//               with these names, or in a `describe` with such a name; all, if there are no `tests`

const path = require('node:path');
const { Failure } = require('../../scripts/command');
const { startEtcd } = require('../../scripts/etcd');

// A folder with server.pem and server-key.pem: etcd then speaks https. Its authority must be trusted by
// NODE_EXTRA_CA_CERTS (scripts/test-servers.js sets both).
const { TEST_TLS } = process.env;
const tls = TEST_TLS && { cert: path.join(TEST_TLS, 'server.pem'), key: path.join(TEST_TLS, 'server-key.pem') };

const TRANSPORTS = {
  /** etcd's v2 API over HTTP. */
  v2: {
    start: (options) => startEtcd({ tls, ...options }),
    hosts: (address) => (tls ? `https://${address}` : address),
    options: {},
    leavesOut: [],
  },
};

/** The transport that the environment names. */
function chosenTransport() {
  const name = process.env.TEST_TRANSPORT || 'v2';
  if (Object.hasOwn(TRANSPORTS, name)) return { name, ...TRANSPORTS[name] };
  throw new Failure(`TEST_TRANSPORT is "${name}". There is: ${Object.keys(TRANSPORTS).join(', ')}`);
}

/** Why a transport leaves out a test, if it does. */
function whyLeftOut({ leavesOut }, file, name) {
  return leavesOut.find((entry) => entry.file === file && (entry.tests?.includes(name) ?? true))?.because;
}

module.exports = { TRANSPORTS, chosenTransport, whyLeftOut };
