'use strict';

// A throw-away etcd: free ports, a temporary data directory, and an end in every case.

const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');
const { freePort } = require('./ports');
const { findEtcd, inspectEtcd } = require('./etcd-binary');

const LOOPBACK = '127.0.0.1';
const READY_WITHIN = 30_000;
const IN_USE = /address already in use/;

/** Servers which are not stopped yet. */
const alive = new Set();

function endAll() {
  for (const server of alive) server.endNow();
}

function endAllAndDie(signal) {
  endAll();
  // Our listener was a `once`: this time the signal does what it does to a process that does not listen.
  process.kill(process.pid, signal);
}

function guardOurEnd() {
  if (process.listeners('exit').includes(endAll)) return;
  process.on('exit', endAll); // also after an uncaught exception
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, endAllAndDie);
}

/** Resolves with true if the URL answers that etcd is healthy. */
const isHealthy = (url) =>
  new Promise((resolve) => {
    const request = http.get(`${url}/health`, { agent: false, timeout: 1000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve(/"health":\s*"?true/.test(body)));
      response.on('error', () => resolve(false));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });

class EtcdServer {
  constructor({
    etcd,
    args = [],
    dataDir,
    clientPort,
    peerPort,
    tls,
    address = LOOPBACK,
    name = 'default',
    inside,
  } = {}) {
    this.etcd = etcd ?? findEtcd();
    this.args = args;
    this.tls = tls;
    this.address = address;
    this.name = name;
    this.inside = inside ?? [];
    this.peers = undefined;
    const { version, flags } = inspectEtcd(this.etcd);
    this.version = version;
    this.flags = flags;
    this.wanted = { clientPort, peerPort };
    // etcd logs to a file: a pipe would fill up, and stop etcd, while a Sync call blocks our thread.
    this.home = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-'));
    this.logFile = path.join(this.home, 'etcd.log');
    this.dataDir = dataDir ?? path.join(this.home, 'data');
    this.child = undefined;
    this.isPaused = false;
  }

  get pid() {
    return this.child?.pid;
  }

  get host() {
    return `${this.address}:${this.port}`;
  }

  get url() {
    return `${this.tls ? 'https' : 'http'}://${this.host}`;
  }

  get peerUrl() {
    return `http://${this.address}:${this.peerPort}`;
  }

  get log() {
    return fs.existsSync(this.logFile) ? fs.readFileSync(this.logFile, 'utf8') : '';
  }

  /** Starts etcd, for the first time or again after kill(), then on the same port and data. */
  async start() {
    if (this.child) throw new Error('This etcd runs already');
    alive.add(this);
    guardOurEnd();
    const deadline = Date.now() + READY_WITHIN;
    for (;;) {
      await this.choosePorts();
      this.spawnChild();
      try {
        await this.becomeReady(deadline);
        return this;
      } catch (error) {
        await this.kill();
        // Somebody was quicker. A port that we may choose changes with the next try, any other may be freed.
        if (!IN_USE.test(error.message) || Date.now() > deadline) throw error;
        await sleep(100);
      }
    }
  }

  async choosePorts() {
    if (this.isFixed) return;
    this.port = this.wanted.clientPort ?? (await freePort());
    this.peerPort = this.wanted.peerPort ?? (await freePort());
    // With TLS the client port may ask for a certificate: health is then asked for elsewhere.
    this.healthUrl = this.tls ? `http://${this.address}:${await freePort()}` : this.url;
  }

  commandLine() {
    const { name, url, peerUrl } = this;
    const list = [`--name=${name}`, `--data-dir=${this.dataDir}`];
    list.push(`--listen-client-urls=${url}`, `--advertise-client-urls=${url}`);
    list.push(`--listen-peer-urls=${peerUrl}`, `--initial-advertise-peer-urls=${peerUrl}`);
    list.push(`--initial-cluster=${this.peers ?? `${name}=${peerUrl}`}`);
    if (this.flags.includes('--enable-v2')) list.push('--enable-v2=true');
    if (this.flags.includes('--unsafe-no-fsync')) list.push('--unsafe-no-fsync');
    if (this.tls) {
      list.push(`--cert-file=${this.tls.cert}`, `--key-file=${this.tls.key}`);
      list.push(`--listen-metrics-urls=${this.healthUrl}`);
      if (this.tls.clientCa) list.push('--client-cert-auth', `--trusted-ca-file=${this.tls.clientCa}`);
    }
    return [...list, ...this.args];
  }

  spawnChild() {
    const log = fs.openSync(this.logFile, 'w');
    // The environment's ETCD_* variables are settings to etcd: ours must be the only ones.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD')));
    const [command, ...args] = [...this.inside, this.etcd, ...this.commandLine()];
    const child = spawn(command, args, { stdio: ['ignore', log, log], env });
    fs.closeSync(log);
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    }).then((how) => {
      if (this.child === child) this.child = undefined;
      return how;
    });
    child.unref(); // a forgotten stop() does not keep our process running, whose end is etcd's end
  }

  async becomeReady(deadline) {
    let died;
    this.ended.then((how) => {
      died = how;
    });
    while (!(await isHealthy(this.healthUrl))) {
      if (died) throw new Error(`etcd ended (${died}) before it was ready\n${this.log}`);
      if (Date.now() > deadline) throw new Error(`etcd was not ready after ${READY_WITHIN} ms\n${this.log}`);
      await sleep(20);
    }
    // Another etcd may have answered on a port which ours did not get.
    if (died || IN_USE.test(this.log)) throw new Error(`etcd ended (${died}) before it was ready\n${this.log}`);
    this.isFixed = true;
  }

  /** Ends etcd, by default without giving it time to say goodbye; data and port are kept for start(). */
  async kill(signal = 'SIGKILL') {
    const child = this.child;
    if (!child) return;
    child.ref();
    child.kill(signal);
    await this.ended;
  }

  /** Ends etcd for good and removes its temporary directory (a dataDir given by the caller is left alone). */
  async stop() {
    const escalation = setTimeout(() => this.child?.kill('SIGKILL'), 5000);
    if (this.isPaused) this.resume(); // a suspended process would not see the signal
    await this.kill('SIGTERM');
    clearTimeout(escalation);
    this.cleanUp();
  }

  /** Suspends or resumes the process: a server that accepts connections and does not answer. Windows cannot. */
  pause() {
    this.isPaused = true;
    this.child?.kill('SIGSTOP');
  }

  resume() {
    this.isPaused = false;
    this.child?.kill('SIGCONT');
  }

  endNow() {
    this.child?.kill('SIGKILL');
    this.cleanUp();
  }

  cleanUp() {
    alive.delete(this);
    fs.rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * Starts an etcd and resolves when it is healthy.
 * Options: etcd (path of the binary), args (further arguments), dataDir (kept at the end), clientPort, peerPort,
 * tls ({ cert, key, clientCa }: paths of PEM files), address (to listen on, default 127.0.0.1), name,
 * inside (a command that becomes etcd, such as ['nsenter', …]).
 */
async function startEtcd(options) {
  const server = new EtcdServer(options);
  try {
    return await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
}

module.exports = { EtcdServer, startEtcd };
