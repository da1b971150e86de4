'use strict';

// nginx, from the PATH or Debian's package, with what a test or a benchmark wants of it.

const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');
const { which } = require('./command');
const { fromDebian } = require('./debian-command');
const { freePort } = require('./ports');

const READY_WITHIN = 10_000;
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

const configuration = (folder, http) => `
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/log;
events { worker_connections 4096; }
http {
  access_log off;
  ${TEMPORARY.map((name) => `${name}_temp_path ${folder};`).join(' ')}
  ${http}
}
`;

const answers = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.unref().on('connect', () => socket.destroy());
  });

/**
 * Starts an nginx on a free port: { host, stop }. `configure(port, folder)` gives the directives of its `http` block, and
 * may write files into the folder.
 */
async function startNginx(configure) {
  const { file, env } = fromDebian('nginx', ['nginx']);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-'));
  const port = await freePort();
  fs.writeFileSync(path.join(folder, 'conf'), configuration(folder, configure(port, folder)));
  const child = spawn(file, ['-p', folder, '-e', `${folder}/log`, '-c', `${folder}/conf`], { env, stdio: 'ignore' });
  const endNow = () => child.kill('SIGKILL');
  process.once('exit', endNow);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill();
    await ended;
    process.off('exit', endNow);
    fs.rmSync(folder, { recursive: true });
  };
  for (const deadline = Date.now() + READY_WITHIN; !(await answers(port)); await sleep(20)) {
    if (child.exitCode === null && Date.now() < deadline) continue;
    const log = fs.readFileSync(path.join(folder, 'log'), 'utf8');
    await stop();
    throw new Error(`nginx did not start\n${log}`);
  }
  return { host: `127.0.0.1:${port}`, stop };
}

/** Why there is no nginx, if so. With CI set, where Debian's packages can be had, that is an error. */
function whyNoNginx() {
  try {
    fromDebian('nginx', ['nginx']);
    return false;
  } catch (error) {
    if (process.env.CI && which('apt-get')) throw error;
    return `no nginx: ${error.message}`;
  }
}

module.exports = { startNginx, whyNoNginx };
