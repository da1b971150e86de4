'use strict';

const { after, before } = require('node:test');
const { findVersion, startCluster, startEtcd } = require('../../scripts/etcd');
const { freePort } = require('../../scripts/ports');

/**
 * An etcd for the tests of a file or of a `describe`: started before the first, stopped after the last. The result is
 * filled in by the time a test runs: `const etcd = withEtcd(); test(..., () => new Etcd(etcd.host))`.
 */
function withEtcd(options) {
  const holder = {};
  before(async () => {
    holder.server = await startEtcd(options);
  });
  after(() => holder.server?.stop());
  for (const name of ['host', 'url', 'port', 'pid', 'version']) {
    Object.defineProperty(holder, name, { enumerable: true, get: () => holder.server?.[name] });
  }
  return holder;
}

let prefixes = 0;

/** A key that nobody else uses, without a slash at either end: for a test's own keys below it. */
function freshPrefix(name = 'test') {
  prefixes += 1;
  return `${name}-${process.pid}-${prefixes}`;
}

module.exports = { findVersion, freePort, freshPrefix, startCluster, startEtcd, withEtcd };
