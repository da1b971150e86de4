#!/usr/bin/env node
'use strict';

// npm run demo: a tour of the API against an etcd of its own, from a fresh checkout.

const path = require('node:path');
const { spawn } = require('node:child_process');
const { ROOT, ensureAddon, ensureDependencies } = require('./setup');
const { startEtcd } = require('./etcd');
const { Failure, main, say } = require('./command');

// Not run(), which would block this process: a Ctrl-C must still end etcd.
const tour = (host) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join('examples', 'tour.js'), host], { cwd: ROOT, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Failure(`the tour ended with ${signal ?? `exit code ${code}`}`)),
    );
  });

main(async () => {
  ensureDependencies();
  ensureAddon();
  say('Starting a throw-away etcd');
  const server = await startEtcd();
  try {
    say(`etcd ${server.version} is ready at ${server.host}`);
    await tour(server.host);
  } finally {
    await server.stop();
    say('etcd is stopped, its data removed');
  }
});
