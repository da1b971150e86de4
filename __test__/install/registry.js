'use strict';

// A package registry of its own on loopback, which knows what is published to it and nothing else.

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { freePort } = require('../../scripts/ports');
const { waitUntil } = require('../support/promises');

const VERDACCIO = path.join(__dirname, 'node_modules', 'verdaccio', 'bin', 'verdaccio');

const CONFIG = `
storage: ./storage
uplinks: {}
packages:
  '**':
    access: $all
    publish: $all
web: { enable: false }
max_body_size: 100mb
log: { type: file, path: ./registry.log, level: warn }
`;

const answers = (url) =>
  new Promise((resolve) => {
    const request = http.get(url, { agent: false, timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });

/** Starts a registry that keeps its data in `folder`. Resolves with { url, stop }. */
async function startRegistry(folder) {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'config.yaml'), CONFIG);
  const host = `127.0.0.1:${await freePort()}`;
  const args = [VERDACCIO, '--config', path.join(folder, 'config.yaml'), '--listen', host];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const ended = once(child, 'exit');
  const stop = async () => {
    end();
    await ended;
    process.off('exit', end);
  };
  try {
    await waitUntil(() => answers(`http://${host}/-/ping`), { timeoutMs: 60_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://${host}/`, stop };
}

module.exports = { startRegistry };
