'use strict';

// Networks of one's own, made by `unshare`: nothing of the machine's network changes.

const { spawnSync } = require('node:child_process');

// Whoever is root without it may not be allowed to make a user namespace, and does not need one.
const WAYS = [['--user', '--map-root-user', '--net'], ['--net']];

/** The beginning of a command that runs in a network of its own, or undefined where none can be made in which this works. */
function ownNetwork(probe) {
  const way = WAYS.find((args) => spawnSync('unshare', [...args, 'sh', '-c', probe]).status === 0);
  return way && ['unshare', ...way];
}

module.exports = { ownNetwork };
