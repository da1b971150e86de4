'use strict';

// The process of a fault proxy (see index.js, which starts it).

const net = require('node:net');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const { freePort } = require('../../../scripts/ports');
const { FAULTS, faulty } = require('./faults');
const { Dice } = require('../random');
const { answerCalls } = require('../remote-process');

const [target, seed] = process.argv.slice(2).map(Number);
const HOST = '127.0.0.1';

const links = new Set();
const struck = {};
let plan;
let accepted = 0;
let faultyInARow = 0;
let port;
let server;
let isClosed = false;

/** What a socket brings. Neither its end nor a reader who leaves before destroys the socket. */
function kept(socket) {
  const iterator = socket.iterator({ destroyOnReturn: false });
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
}

async function pump(chunks, socket) {
  for await (const bytes of chunks) {
    if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
  }
  socket.end();
}

/** A connection and the one behind it. */
class Link {
  constructor(client, fault) {
    this.client = client;
    this.server = net.connect({ port: target, host: HOST, allowHalfOpen: true, noDelay: true });
    this.limits = plan;
    this.fault = fault;
    links.add(this);
    for (const socket of [this.client, this.server]) {
      socket.on('error', () => this.reset());
      socket.on('close', () => this.client.destroyed && this.server.destroyed && links.delete(this));
    }
    this.#pump('up', this.client, this.server);
    this.#pump('down', this.server, this.client);
  }

  #pump(way, from, to) {
    const chunks = this.fault?.way === way ? this.#faulty(kept(from)) : kept(from);
    pump(chunks, to).catch(() => this.reset());
  }

  #faulty(chunks) {
    const { name, dice } = this.fault;
    return faulty(chunks, FAULTS[name], { link: this, dice, limits: this.limits }, () => count(name));
  }

  /** Ends after what was sent has arrived. */
  close() {
    this.client.end();
    this.server.destroy();
  }

  reset() {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  /** How long what a plan holds is held; then the connection is reset. */
  async held() {
    if (this.limits.holdMs === null) return new Promise(() => {});
    await sleep(this.fault.dice.within(this.limits.holdMs));
    return this.reset();
  }
}

function count(name) {
  struck[name] = (struck[name] ?? 0) + 1;
}

/** What the next connection meets: { name, way, dice }, or nothing. */
function nextFault() {
  accepted += 1;
  const dice = new Dice(seed, accepted);
  let left = dice.number();
  const found = Object.entries(plan?.faults ?? {}).find(([, share]) => {
    left -= share;
    return left < 0;
  });
  faultyInARow = found && faultyInARow < plan.inARow ? faultyInARow + 1 : 0;
  if (faultyInARow === 0) return undefined;
  const [name] = found;
  const way = FAULTS[name]?.way;
  return { name, way: way === 'either' ? dice.pick(['up', 'down']) : way, dice };
}

function accept(client) {
  const fault = nextFault();
  if (fault?.name === 'refuse') refuse(client, fault.dice);
  else new Link(client, fault);
}

async function refuse(client, dice) {
  count('refuse');
  const ms = dice.within(plan.refuseMs);
  server.close();
  client.on('error', () => {}).resetAndDestroy();
  await sleep(ms);
  if (!isClosed) await listen();
}

/** Listens, if it does not already, on the port that it always had. */
function listen() {
  if (server?.listening) return undefined;
  server = net.createServer({ allowHalfOpen: true, noDelay: true }, accept);
  return new Promise((resolve) => server.listen({ port, host: HOST, backlog: 1024 }, resolve));
}

function cut() {
  for (const link of links) link.reset();
}

answerCalls({
  listen: async () => {
    port = await freePort();
    await listen();
    return port;
  },
  follow: (wanted) => {
    plan = wanted;
  },
  calm: () => {
    plan = undefined;
    for (const link of links) if (link.fault) link.reset();
  },
  cut,
  close: () => {
    isClosed = true;
    server.close();
    cut();
  },
  open: () => {
    isClosed = false;
    return listen();
  },
  report: () => ({ connections: accepted, open: links.size, struck }),
});
