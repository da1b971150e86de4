'use strict';

const path = require('node:path');
const { after, before } = require('node:test');
const { findVersion, startCluster, startEtcd } = require('../../scripts/etcd');
const { freePort } = require('../../scripts/ports');

// A folder with server.pem and server-key.pem: the etcd of `withEtcd` then speaks https. Its authority must be trusted
// by NODE_EXTRA_CA_CERTS (scripts/test-servers.js sets both).
const { TEST_TLS } = process.env;
const SCHEME = TEST_TLS ? 'https://' : '';

const tls = () => TEST_TLS && { cert: path.join(TEST_TLS, 'server.pem'), key: path.join(TEST_TLS, 'server-key.pem') };

/** A `host:port` behind which the etcd of `withEtcd` is, with the scheme it needs. */
const at = (host) => SCHEME + host;

/**
 * An etcd for the tests of a file or of a `describe`: started before the first, stopped after the last. The result is
 * filled in by the time a test runs: `const etcd = withEtcd(); test(..., () => new Etcd(etcd.host))`.
 */
function withEtcd(options) {
  const holder = {};
  before(async () => {
    holder.server = await startEtcd({ tls: tls(), ...options });
  });
  after(() => holder.server?.stop());
  for (const name of ['url', 'port', 'pid', 'version']) {
    Object.defineProperty(holder, name, { enumerable: true, get: () => holder.server?.[name] });
  }
  Object.defineProperty(holder, 'host', { enumerable: true, get: () => holder.server && at(holder.server.host) });
  return holder;
}

let prefixes = 0;

/** A key that nobody else uses, without a slash at either end: for a test's own keys below it. */
function freshPrefix(name = 'test') {
  prefixes += 1;
  return `${name}-${process.pid}-${prefixes}`;
}

module.exports = { at, findVersion, freePort, freshPrefix, startCluster, startEtcd, withEtcd };
