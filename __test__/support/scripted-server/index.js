'use strict';

// An HTTP server that does what it is told, in a process of its own: it goes on answering while a Sync call blocks the
// test's thread. A script is a list of steps, each answering one request:
//
//   { reply: { status, reason, headers, body | json, chunked, chunks, delayMs, contentLength, hold, after } }
//       headers: an object or a list of [name, value]. chunks: a list of strings, Buffers or { data, delayMs }, sent with
//       chunked encoding unless `chunked: false`. contentLength: false ends the body by closing. hold: a chunked reply
//       never ends. after: 'close' or 'reset' the connection once the reply is sent, without announcing it.
//   { echo: true }      200 with etcd-like JSON that tells what was sent: { action, node, request: { method, url, ... } };
//                       an object instead of `true` overrides parts of that reply
//   { raw, after }      these bytes (string, Buffer, or a list as `chunks`), then keep the connection or 'close'/'reset'
//   { cut: { bytes, after, ...reply } }   announce the whole reply, send `bytes` bytes of its body, close (or reset)
//   { reset: true }     RST instead of an answer
//   { close: true }     FIN instead of an answer
//   { stall: true }     no answer, ever
//
// A reset may overtake what was sent before it: the client can lose bytes that it has not read yet.
//
// With every step: `delayMs` waits before it, `times` (1) is how many requests it answers, and `match` limits it to
// requests by path ('/v2/version'), by a RegExp for the URL, or by several things ({ method: 'PUT', path: /a$/ }). The
// first step that matches and is not used up answers; after that the `fallback` step, or else a 418.

const path = require('node:path');
const { fork } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');

const PROCESS = path.join(__dirname, 'process.js');

class ScriptedServer {
  constructor() {
    // Advanced serialization lets Buffers and regular expressions through.
    this.child = fork(PROCESS, [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.calls = new Map();
    this.lastId = 0;
    this.child.on('message', (message) => this.settle(message));
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.ended.then(() => this.failAll());
    this.child.unref();
    this.child.channel.unref();
  }

  /** Asks the process for something. Only while an answer is due does it keep our own process running. */
  call(name, argument) {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      if (!this.child.connected) return reject(new Error('The scripted server has ended'));
      this.calls.set(id, { resolve, reject });
      this.child.channel.ref();
      this.child.send({ id, name, argument });
    });
  }

  settle({ id, result, error }) {
    const { resolve, reject } = this.calls.get(id);
    this.calls.delete(id);
    if (this.calls.size === 0) this.child.channel?.unref();
    if (error) reject(new Error(`scripted server: ${error}`));
    else resolve(result);
  }

  failAll() {
    for (const { reject } of this.calls.values()) reject(new Error('The scripted server has ended'));
    this.calls.clear();
  }

  async listen(steps, options) {
    const { port } = await this.call('listen', { steps, ...options });
    this.port = port;
    this.host = `${options.host ?? '127.0.0.1'}:${port}`;
    this.url = `${options.tls ? 'https' : 'http'}://${this.host}`;
    return this;
  }

  /**
   * The requests so far: { method, url, path, query, httpVersion, headers, rawHeaders, head, body, bodyBytes,
   * connection, number, receivedAt, answeredAt, aborted, abortedAt } each; `url` and headers as latin1.
   */
  requests() {
    return this.call('requests');
  }

  /** How many TCP connections were accepted. */
  connections() {
    return this.call('connections');
  }

  /** The numbers of the connections that are open now. */
  openConnections() {
    return this.call('openConnections');
  }

  /** Replaces the script, for requests that come from now on. */
  setScript(steps, { fallback } = {}) {
    return this.call('setScript', { steps, fallback });
  }

  /** Forgets the requests so far. */
  forget() {
    return this.call('forget');
  }

  /** Sends bytes on an open connection, whatever it is doing. */
  send(connection, bytes) {
    return this.call('send', { connection, bytes });
  }

  /** Ends all open connections, by 'close' (FIN) or 'reset' (RST). */
  closeConnections(how = 'close') {
    return this.call('closeConnections', { how });
  }

  /** Resolves with the requests once there are so many, or once the function of them returns true. */
  async waitFor(condition, { timeoutMs = 10_000 } = {}) {
    const deadline = Date.now() + timeoutMs;
    const isMet = typeof condition === 'number' ? (list) => list.length >= condition : condition;
    for (;;) {
      const list = await this.requests();
      if (isMet(list)) return list;
      if (Date.now() > deadline) {
        const seen = list.map(({ method, url }) => `${method} ${url}`).join(', ');
        throw new Error(
          `The scripted server did not see ${condition} within ${timeoutMs} ms, only: ${seen || 'nothing'}`,
        );
      }
      await sleep(10);
    }
  }

  async stop() {
    this.child.ref();
    if (this.child.connected) this.child.disconnect();
    const escalation = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await this.ended;
    clearTimeout(escalation);
  }
}

/**
 * Starts a scripted server on a free port of 127.0.0.1.
 * Options: fallback (the step after the script's end), port, host, tls (options of tls.createServer).
 */
async function startScripted(steps = [], options = {}) {
  const server = new ScriptedServer();
  try {
    return await server.listen(steps, options);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

module.exports = { startScripted };
