'use strict';

// The process of a scripted server (see index.js, which forks it and talks to it): a TCP server which answers
// each HTTP request with the next step of its script, and remembers every byte that came.

const net = require('node:net');
const tls = require('node:tls');
const { setTimeout: sleep } = require('node:timers/promises');
const { HttpReader } = require('../http-reader');
const { ReplyScript, chunkOf, echoOf, render } = require('./reply-script');

let script = new ReplyScript();
let server;
let accepted = 0;
const requests = [];
const open = new Map();

/** One connection: its requests are answered one after the other, in the order they came. */
class Connection {
  constructor(socket) {
    this.socket = socket;
    this.number = ++accepted;
    this.turn = Promise.resolve();
    this.answering = undefined;
    this.reader = new HttpReader((request) => this.enqueue(request));
    open.set(this.number, this);
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.reader.feed(bytes));
    socket.on('end', () => this.noteAbort());
    socket.on('error', () => {}); // a reset is part of the play
    socket.on('close', () => {
      this.noteAbort();
      open.delete(this.number);
    });
  }

  // The client closing before its reply is complete is how an abort looks from here.
  noteAbort() {
    const request = this.answering;
    if (request && !request.aborted && !this.closing) {
      request.aborted = true;
      request.abortedAt = Date.now();
    }
  }

  enqueue(parsed) {
    const request = { ...parsed, connection: this.number, number: requests.length + 1, receivedAt: Date.now() };
    request.aborted = false;
    if (this.socket.servername) request.servername = this.socket.servername; // what TLS was asked for (SNI)
    requests.push(request);
    const step = script.take(request);
    this.turn = this.turn.then(() => this.answer(step, request));
  }

  async answer(step, request) {
    if (this.socket.destroyed) return;
    this.answering = request;
    await this.play(step, request);
    this.answering = undefined;
    request.answeredAt = Date.now();
  }

  async play(step, request) {
    if (step.delayMs) await sleep(step.delayMs);
    if (step.stall) return new Promise(() => {});
    if (step.reset) return this.end('reset');
    if (step.close) return this.end('close');
    if (step.cut) return this.cut(step.cut, request);
    if (step.raw !== undefined) return this.sendRaw(step);
    if (step.echo) return this.reply({ ...echoOf(request), ...(step.echo === true ? {} : step.echo) }, request);
    return this.reply(step.reply ?? {}, request);
  }

  async sendPieces(pieces) {
    for (const { data, delayMs } of pieces) {
      if (delayMs) await sleep(delayMs);
      if (data.length > 0) await this.write(data);
    }
  }

  async reply(reply, request) {
    if (reply.delayMs) await sleep(reply.delayMs);
    const { head, pieces } = render(reply, request);
    // In one write when nothing is to be waited for, as a server does it.
    const ready = pieces.some(({ delayMs }) => delayMs) ? 0 : pieces.length;
    await this.write(Buffer.concat([head, ...pieces.slice(0, ready).map(({ data }) => data)]));
    await this.sendPieces(pieces.slice(ready));
    if (reply.hold) await new Promise(() => {});
    const isOver = reply.contentLength === false || pairIs(reply.headers, 'connection', 'close');
    if (reply.after || isOver) this.end(reply.after ?? 'close');
  }

  /** A whole reply is announced, but only the first `bytes` bytes of its body are sent. */
  async cut({ bytes = 0, after = 'close', ...reply }, request) {
    const { head, pieces } = render(reply, request);
    const body = Buffer.concat(pieces.map(({ data }) => data));
    await this.write(Buffer.concat([head, body.subarray(0, bytes)]));
    this.end(after);
  }

  async sendRaw({ raw, after }) {
    await this.sendPieces((Array.isArray(raw) ? raw : [raw]).map(chunkOf));
    if (after) this.end(after);
  }

  write(bytes) {
    if (this.socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  end(how) {
    this.closing = true;
    if (how === 'close') this.socket.end();
    else if (this.socket instanceof tls.TLSSocket) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }
}

function pairIs(headers = {}, name, value) {
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  return pairs.some(([given, text]) => given.toLowerCase() === name && String(text).toLowerCase() === value);
}

/** What the test's process can ask for. */
const calls = {
  listen({ steps, fallback, port = 0, host = '127.0.0.1', tls: tlsOptions }) {
    script = new ReplyScript(steps, fallback);
    const accept = (socket) => new Connection(socket);
    server = tlsOptions ? tls.createServer(tlsOptions, accept) : net.createServer(accept);
    // A client that refuses our certificate is no reason to end.
    server.on('tlsClientError', () => {});
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host, backlog: 1024 }, () => resolve(server.address()));
    });
  },
  setScript: ({ steps, fallback }) => {
    script = new ReplyScript(steps, fallback);
  },
  requests: () => requests,
  count: () => requests.length,
  connections: () => accepted,
  openConnections: () => [...open.keys()],
  forget: () => {
    requests.length = 0;
  },
  send: ({ connection, bytes }) => open.get(connection)?.write(Buffer.from(bytes)),
  closeConnections: ({ how }) => {
    for (const connection of open.values()) connection.end(how);
  },
};

process.on('message', async ({ id, name, argument }) => {
  try {
    process.send({ id, result: await calls[name](argument) });
  } catch (error) {
    process.send({ id, error: error.message });
  }
});

// Our end comes with that of the test's process, however that ends.
process.on('disconnect', () => process.exit());
