'use strict';

// The package's command, in a process of its own: for what needs no test runner.

const { spawn } = require('node:child_process');
const path = require('node:path');

const COMMAND = path.join(__dirname, '..', '..', 'bin', 'node-etcd-native.js');

/** Variables that would choose an etcd for the command. */
const FOREIGN = /^(ETCDCTL_|NODE_ETCD_API$)/;

function environment(env) {
  const own = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
  return { ...Object.fromEntries(own), ...env };
}

/** Starts the command: its process, what it printed so far, and its end: { code, signal, stdout, stderr }. */
function spawnCli(args, { input = '', env } = {}) {
  const child = spawn(process.execPath, [COMMAND, ...args], { env: environment(env) });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      printed[name] += text;
    });
  }
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(input);
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...printed }));
  });
  return { child, printed, ended };
}

module.exports = { COMMAND, spawnCli };
