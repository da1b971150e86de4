'use strict';

// A real HTTP proxy in its own process: tinyproxy, from the PATH or Debian's package.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');
const { which } = require('../../scripts/command');
const { debianPackage } = require('../../scripts/debian-package');
const { freePort } = require('../../scripts/ports');

const READY_WITHIN = 30_000;

/** The path of tinyproxy; throws where there is none and none can be fetched. */
function findTinyproxy() {
  return which('tinyproxy') ?? path.join(debianPackage('tinyproxy-bin'), 'usr', 'bin', 'tinyproxy');
}

class Tinyproxy {
  #binary = findTinyproxy();
  #home = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-proxy-'));
  #logFile = path.join(this.#home, 'log');
  #child;
  #ended;

  async start(users) {
    const deadline = Date.now() + READY_WITHIN;
    process.once('exit', this.#kill);
    do {
      this.port = await freePort();
      this.host = `127.0.0.1:${this.port}`;
      this.url = `http://${this.host}`;
      this.#spawn(users);
      while (this.#child && !/Accepting connections/.test(this.#log)) {
        if (Date.now() > deadline) throw new Error(`tinyproxy was not ready after ${READY_WITHIN} ms\n${this.#log}`);
        await sleep(10);
      }
      // Somebody else may have taken the port.
    } while (!this.#child && Date.now() < deadline);
    if (!this.#child) throw new Error(`tinyproxy ended before it was ready (${await this.#ended})\n${this.#log}`);
    return this;
  }

  #spawn(users) {
    const config = path.join(this.#home, 'config');
    const lines = [`Port ${this.port}`, 'Listen 127.0.0.1', 'Timeout 600', `LogFile "${this.#logFile}"`];
    lines.push('LogLevel Info', ...Object.entries(users).map(([user, password]) => `BasicAuth ${user} ${password}`));
    fs.writeFileSync(config, `${lines.join('\n')}\n`);
    fs.rmSync(this.#logFile, { force: true });
    const child = spawn(this.#binary, ['-d', '-c', config], { stdio: 'ignore' });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    }).finally(() => {
      this.#child = undefined;
    });
  }

  get #log() {
    return fs.existsSync(this.#logFile) ? fs.readFileSync(this.#logFile, 'utf8') : '';
  }

  #kill = () => this.#child?.kill('SIGKILL');

  /** The request lines that came, as in `GET http://h:1/v2/keys/k` or `CONNECT h:1`. */
  requests() {
    return Array.from(this.#log.matchAll(/Request \(file descriptor \d+\): (.*) HTTP\/1/g), ([, line]) => line);
  }

  async stop() {
    process.off('exit', this.#kill);
    this.#kill();
    await this.#ended;
    fs.rmSync(this.#home, { recursive: true, force: true });
  }
}

/** Starts a proxy on a free port, which wants to know who is asking if there are `users`: { name: password }. */
async function startTinyproxy(users = {}) {
  const proxy = new Tinyproxy();
  try {
    return await proxy.start(users);
  } catch (error) {
    await proxy.stop();
    throw error;
  }
}

/** Why tests with it cannot run, if so. With CI set, where Debian's packages can be had, that is an error. */
function whyNoTinyproxy() {
  try {
    findTinyproxy();
    return false;
  } catch (error) {
    if (process.env.CI && which('apt-get')) throw error;
    return `no tinyproxy: ${error.message}`;
  }
}

module.exports = { startTinyproxy, whyNoTinyproxy };
