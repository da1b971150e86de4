'use strict';

// Runs the features of this folder, each in a process of its own, under a given runtime.

const { spawn } = require('node:child_process');
const path = require('node:path');
const { makeCertificates } = require('../support/certificates');
const { startEtcd } = require('../../scripts/etcd');

const FILE = path.join(__dirname, 'features.cjs');

/** The servers that features talk to. Resolves with { env, stop }. */
async function startServers() {
  const certificates = makeCertificates();
  const file = (name) => path.join(certificates.path, name);
  const servers = await Promise.all([
    startEtcd(),
    startEtcd({ tls: { cert: file('server.pem'), key: file('server-key.pem') } }),
  ]);
  return {
    env: { HOST: servers[0].host, HTTPS_HOST: servers[1].url, CA: file('ca.pem') },
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
      certificates.remove();
    },
  };
}

/** Runs a feature under `command`, a list. Resolves with undefined if it works, else with what went wrong. */
function runFeature([command, ...args], name, env, { timeoutMs = 60_000 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, [...args, FILE, name], {
      // The test runner's own marker would make a child's output that of a test.
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    let timedOut = false;
    const deadline = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.once('error', (error) => {
      output += error.message;
    });
    child.once('close', (code, signal) => {
      clearTimeout(deadline);
      if (timedOut) return resolve(`did not end within ${timeoutMs / 1000} s\n${output}`);
      return resolve(code === 0 && output === 'ok\n' ? undefined : `ended with ${signal ?? code}\n${output}`);
    });
  });
}

module.exports = { runFeature, startServers };
