'use strict';

// A process that changes a tree, so many times a second, until it is stopped.

const { answerCalls } = require('../remote-process');
const { Changes } = require('./changes');
const { Client } = require('./client');
const { Tree } = require('./tree');

const EVERY = 5;
/** Changes under way at once: an etcd that is slower than the wanted rate makes the writer slower. */
const IN_FLIGHT = 256;

let client;
let changes;
let timer;
let started;
let sent;
const underWay = new Set();
const wrong = [];

function make(change) {
  const work = client
    .make(change)
    .catch((error) => wrong.push(error.message))
    .finally(() => underWay.delete(work));
  underWay.add(work);
}

answerCalls({
  /** What is made next depends on the seed alone. */
  prepare(store, seed, shape) {
    client = new Client(store);
    const tree = new Tree(seed, shape);
    for (const _ of tree.mkdirs());
    for (const _ of tree.sets());
    changes = new Changes(seed, tree);
  },

  start(rate) {
    started = performance.now();
    sent = 0;
    timer = setInterval(() => {
      const due = ((performance.now() - started) / 1000) * rate - sent;
      for (let i = 0; i < due && underWay.size < IN_FLIGHT; i++) {
        make(changes.next());
        sent += 1;
      }
    }, EVERY);
  },

  /** Resolves with how many there were a second, and what went wrong. */
  async stop() {
    clearInterval(timer);
    const rate = sent / ((performance.now() - started) / 1000);
    await Promise.all(underWay);
    return { rate, wrong: wrong.splice(0) };
  },
});
