#!/usr/bin/env node
'use strict';

// etcd for tests and demos, of a version such as 3.6 or 3.5.34, or else one with the v2 API.
//   node scripts/etcd.js find [version]                prints the path of an etcd, fetching one if there is none
//   node scripts/etcd.js run [version] [its options]   runs a throw-away etcd until it is interrupted

const { findEtcd, findEtcdV3, findVersion, inspectEtcd } = require('./etcd-binary');
const { startCluster } = require('./etcd-cluster');
const { startEtcd } = require('./etcd-server');
const { Failure, main, say } = require('./command');

async function runUntilInterrupted(etcd, args) {
  const server = await startEtcd({ etcd, args });
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
  const version = args[0]?.startsWith('-') ? undefined : args.shift();
  const found = () => (version ? findVersion(version) : findEtcd());
  if (verb === 'find' && args.length === 0) console.log(found());
  else if (verb === 'run') return runUntilInterrupted(found(), args);
  else throw new Failure('Usage: node scripts/etcd.js find [version] | run [version] [options of etcd]');
}

if (require.main === module) main(() => cli(process.argv.slice(2)));

module.exports = { findEtcd, findEtcdV3, findVersion, inspectEtcd, startCluster, startEtcd };
