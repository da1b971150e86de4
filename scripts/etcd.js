#!/usr/bin/env node
'use strict';

// etcd for tests and demos.
//   node scripts/etcd.js find [version]        prints the path of an etcd, fetching one if there is none
//   node scripts/etcd.js run [etcd arguments]  runs a throw-away etcd until it is interrupted

const { findEtcd, findEtcdV3, findVersion, inspectEtcd, installEtcd } = require('./etcd-binary');
const { startCluster } = require('./etcd-cluster');
const { startEtcd } = require('./etcd-server');
const { Failure, main, say } = require('./command');

async function runUntilInterrupted(args) {
  const server = await startEtcd({ args });
  say(`etcd ${server.version} is ready, process ${server.pid}; Ctrl-C ends it`);
  console.log(server.url);
  const how = await new Promise((resolve) => {
    const beat = setInterval(() => {}, 60_000); // etcd itself does not keep us running
    server.ended.then((reason) => {
      clearInterval(beat);
      resolve(reason);
    });
  });
  throw new Failure(`etcd ended (${how})\n${server.log}`);
}

function cli([verb, ...args]) {
  if (verb === 'find') console.log(args.length > 0 ? findVersion(args[0]) : findEtcd());
  else if (verb === 'run') return runUntilInterrupted(args);
  else throw new Failure('Usage: node scripts/etcd.js find [version] | run [etcd arguments]');
}

if (require.main === module) main(() => cli(process.argv.slice(2)));

module.exports = { findEtcd, findEtcdV3, findVersion, inspectEtcd, installEtcd, startCluster, startEtcd };
