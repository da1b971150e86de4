'use strict';

// nginx with canned replies of an etcd: a server that is faster than its clients.

const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');
const { freePort } = require('../scripts/ports');
const { fromDebian } = require('./debian');
const { get, list, set } = require('./replies');

const READY_WITHIN = 10_000;

const configuration = (folder, port) => `
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/log;
events { worker_connections 4096; }
http {
  access_log off;
  default_type application/json;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`).join(' ')}
  add_header X-Etcd-Cluster-Id cdf818194e3a8c32;
  add_header X-Etcd-Index 9;
  add_header X-Raft-Index 10;
  add_header X-Raft-Term 2;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /v2/keys/bench/list { alias ${folder}/list; }
    location / {
      if ($request_method = PUT) { return 201 '${set}'; }
      return 200 '${get}';
    }
  }
}
`;

const answers = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.unref().on('connect', () => socket.destroy());
  });

/** Starts an nginx on a free port: { host, version, stop }. */
async function startNginx() {
  const { file, env } = fromDebian('nginx', ['nginx']);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-'));
  const port = await freePort();
  fs.writeFileSync(path.join(folder, 'list'), list);
  fs.writeFileSync(path.join(folder, 'conf'), configuration(folder, port));
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

module.exports = { startNginx };
