'use strict';

// A child process of some features: writes, reads, sends what it read, and ends by itself; or, if told so, by
// process.exit() in the middle of its requests.

const Etcd = require('../..');

const [host, key, how] = process.argv.slice(2);
const etcd = new Etcd(host);

function answer(err) {
  const { err: syncErr, body } = etcd.getSync(key);
  if (err || syncErr) throw err || syncErr;
  process.send(body.node.value, () => process.disconnect());
}

function exit() {
  for (let i = 0; i < 20; i++) etcd.watch(`${key}-nothing`, () => {});
  etcd.watcher(`${key}-nothing`);
  etcd.set(key, 1, () => process.exit(7));
}

etcd.set(key, 'from a child', how === 'exit' ? exit : answer);
